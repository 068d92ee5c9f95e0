WITH d AS (INSERT INTO deployment (id, source_key, source, external_id, application_number, bound_to, environment, environment_class, status, attempt, started_at, finished_at, succeeded_at, inconsistent, standing, parked_reason, attached_by_hand, recheck, recorded_at, updated_at, row_version)
   VALUES (gen_random_uuid(), 'native:floor', 'floor', $1, 'REL-APP-2026-001', '[]', 'production', 'PRODUCTION', 'SUCCEEDED', 1, now(), now(), now(), false, 'PARKED', 'NO_REPORT', false, false, now(), now(), 1) RETURNING id),
 i AS (INSERT INTO inbound_delivery (id, way, reported_by, content_type, headers, body, body_bytes, body_sha256, fate, deployment_id, attempts, received_at, worked_at)
   SELECT gen_random_uuid(), 'NATIVE', 'floor', 'application/json', '{}', convert_to(repeat('x', 200), 'UTF8'), 200, md5($1), 'WORKED', d.id, 1, now(), now() FROM d RETURNING id),
 o AS (INSERT INTO observation (id, deployment_id, delivery_id, digest, status, happened_at, told) SELECT gen_random_uuid(), d.id, i.id, md5($1), 'SUCCEEDED', now(), '{"status":"SUCCEEDED","environment":"production"}' FROM d, i),
 a AS (INSERT INTO audit_entry (at, subject, role, request_id, act, object_type, object_id, changes) SELECT now(), 'floor', 'PIPELINE', gen_random_uuid()::text, 'deploymentRecord', 'Deployment', d.id::text, '[{"field":"status","before":null,"after":"SUCCEEDED"}]' FROM d),
 s AS (INSERT INTO event_subject SELECT 'deployment/' || d.id, 1 FROM d),
 v AS (INSERT INTO event (id, kind, subject, subject_sequence, deployment_id, at, recorded_at, data) SELECT gen_random_uuid()::text, 'deployment.recorded.v1', 'deployment/' || d.id, 1, d.id, now(), now(), '{"deployment":{"status":"SUCCEEDED"}}' FROM d)
SELECT CAST(json_build_object('id', d.id, 'status', 'SUCCEEDED') AS text) FROM d
