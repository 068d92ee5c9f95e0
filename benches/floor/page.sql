SELECT CAST(json_build_object('totalCount', (SELECT COUNT(*) FROM report), 'nodes', (SELECT json_agg(json_build_object('number', r.number, 'version', r.version, 'state', r.state,
 'product', (SELECT p.name FROM product p WHERE p.id = r.product_id),
 'milestones', (SELECT json_agg(json_build_object('kind', m.kind, 'plannedAt', m.planned_at, 'actualAt', m.actual_at, 'owners', (SELECT json_agg(o.department ORDER BY o.position) FROM owner o WHERE o.milestone_id = m.id AND o.current)) ORDER BY m.position) FROM milestone m WHERE m.report_id = r.id),
 'actions', (SELECT json_agg(json_build_object('measure', c.measure, 'status', c.status_kept, 'dueOn', c.open_due_on) ORDER BY c.position) FROM improvement_action c WHERE c.report_id = r.id))
 ORDER BY r.number_year DESC, r.number_sequence DESC) FROM (SELECT * FROM report ORDER BY number_year DESC, number_sequence DESC LIMIT 20) AS r)) AS text)
