WITH seq AS (INSERT INTO number_sequence VALUES (2026, 1) ON CONFLICT (year) DO UPDATE SET last = number_sequence.last + 1 RETURNING last),
 who AS (SELECT id FROM person LIMIT 1),
 app AS (INSERT INTO release_application (id, number, created_at) VALUES (gen_random_uuid(), $1, now()) RETURNING id),
 r AS (INSERT INTO report (id, number, number_year, number_sequence, application_id, live_application_id, prepared_by, prepared_on, state, outcome, version, version_key, release_type, audience_internal, audience_partial_external, audience_all_external,
   row_version, currency, resources_version, evaluation_version, summary_version, round, last_problem, last_case, created_by, created_at, updated_at)
   SELECT gen_random_uuid(), 'REL-SUM-2026-' || to_char(seq.last, 'FM000000'), 2026, seq.last, app.id, app.id, 'PRODUCT', current_date, 'DRAFT', 'RELEASED', 'V4.1.2', '4.1.2', 'FEATURE', false, false, false, 1, 'CNY', 1, 1, 1, 0, 0, 0, who.id, now(), now() FROM seq, app, who RETURNING id, number),
 p AS (INSERT INTO participant SELECT gen_random_uuid(), r.id, d, n FROM r, unnest(ARRAY['PRODUCT','RND','TEST','OPS','INFOSEC','CUSTOMER_SUCCESS']) WITH ORDINALITY AS x(d, n)),
 m AS (INSERT INTO milestone (id, report_id, kind, precision, position, planned_at, not_applicable, version) SELECT gen_random_uuid(), r.id, k, CASE WHEN n IN (4, 5) THEN 'MINUTE' ELSE 'DAY' END, n, NULL, false, 1
   FROM r, unnest(ARRAY['PLAN_APPROVAL','TESTING_COMPLETED','STAGING_VERIFICATION','PRODUCTION_DEPLOYMENT','RELEASE_VERIFICATION','REVIEW_MEETING']) WITH ORDINALITY AS x(k, n) RETURNING id, report_id, position),
 o AS (INSERT INTO owner (id, report_id, milestone_id, department, position, lead, current, submitted) SELECT gen_random_uuid(), m.report_id, m.id, 'OPS', 1, false, true, false FROM m
   UNION ALL SELECT gen_random_uuid(), m.report_id, m.id, 'TEST', 2, false, true, false FROM m WHERE position IN (3, 5)),
 s AS (INSERT INTO staffing SELECT gen_random_uuid(), r.id, d, NULL, n FROM r, unnest(ARRAY['RND','TEST','OPS','PRODUCT']) WITH ORDINALITY AS x(d, n)),
 t AS (INSERT INTO post_release_stat (id, report_id, category, version) SELECT gen_random_uuid(), r.id, c, 1 FROM r, unnest(ARRAY['FUNCTIONAL','PERFORMANCE','COMPATIBILITY','SECURITY']) AS x(c) RETURNING id, report_id),
 f AS (INSERT INTO feedback_source SELECT gen_random_uuid(), t.id, t.report_id, '客户反馈', 1 FROM t),
 e AS (INSERT INTO department_evaluation (id, report_id, department, position, version) SELECT gen_random_uuid(), r.id, d, n, 1 FROM r, unnest(ARRAY['PRODUCT','RND','TEST','OPS','INFOSEC','CUSTOMER_SUCCESS']) WITH ORDINALITY AS x(d, n)),
 l AS (INSERT INTO life_cycle_step (id, report_id, number, round, act, to_state, person_id, at) SELECT gen_random_uuid(), r.id, 1, 0, 'CREATE', 'DRAFT', who.id, now() FROM r, who),
 a AS (INSERT INTO audit_entry (at, subject, role, request_id, act, object_type, object_id, report_id, changes) SELECT now(), 'u', 'PRODUCT:HEAD', gen_random_uuid()::text, 'reportCreate', 'Report', r.id::text, r.id, '[{"field":"number","before":null,"after":"x"}]' FROM r),
 v AS (INSERT INTO event (id, kind, subject, subject_sequence, report_id, at, recorded_at, data) SELECT gen_random_uuid()::text, 'report.created.v1', 'report/' || r.id, 1, r.id, now(), now(), json_build_object('number', r.number) FROM r)
SELECT CAST(json_build_object('number', r.number, 'milestones', 6) AS text) FROM r
