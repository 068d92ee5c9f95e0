WITH counted AS MATERIALIZED (SELECT id, actual_release_at, planned_release_at, to_char(actual_release_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month FROM report
  WHERE first_submitted_at IS NOT NULL AND state <> 'DISCARDED' AND superseded_at IS NULL AND actual_release_at >= date_trunc('month', now()) - interval '11 months')
SELECT CAST(json_build_object(
 'releases', (SELECT json_agg(t) FROM (SELECT month, COUNT(*) AS n FROM counted GROUP BY month) t),
 'onTime', (SELECT json_agg(t) FROM (SELECT month, department, COUNT(*) FILTER (WHERE actual_release_at <= planned_release_at) AS n, COUNT(*) AS d FROM counted JOIN participant ON participant.report_id = counted.id GROUP BY month, department) t),
 'delay', (SELECT json_agg(t) FROM (SELECT month, AVG(EXTRACT(EPOCH FROM actual_release_at - planned_release_at) / 60) AS mean FROM counted WHERE actual_release_at > planned_release_at GROUP BY month) t),
 'problems', (SELECT json_agg(t) FROM (SELECT month, impact, COUNT(*) AS n FROM counted JOIN problem ON problem.report_id = counted.id GROUP BY month, impact) t),
 'overdue', (SELECT json_agg(t) FROM (SELECT to_char(due_on, 'YYYY-MM') AS month, owner.department, COUNT(*) AS n, AVG(current_date - due_on) AS days FROM occurrence JOIN report ON report.id = occurrence.report_id
   JOIN owner ON owner.action_id = occurrence.action_id AND owner.current WHERE occurrence.status = 'OPEN' AND due_on < current_date AND due_on >= date_trunc('month', now()) - interval '11 months' AND state <> 'DISCARDED' AND superseded_at IS NULL GROUP BY 1, 2) t)
) AS text)
