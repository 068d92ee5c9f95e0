//! Figures: what `metrics` answers is what the plain, slow way gives over awkward data, on both databases; and what a figure counted is
//! what its drill-down lists.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{NaiveDate, TimeDelta};
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::support::{
    Person,
    awkward::awkward,
    each_database,
    plain::{Filter, Plain, Sum, add_up},
};

/// Every figure, with the fields of its family, its list, and the dimensions of its own.
const FIGURES: [(&str, &str, &str, &[&str]); 25] = [
    ("releases", "value", "Report", &["DEPARTMENT", "OUTCOME", "COMPLIANCE"]),
    ("onTimeReleaseRate", RATE, "Report", &["DEPARTMENT", "OUTCOME", "COMPLIANCE"]),
    ("releaseDelayMinutes", DURATION, "Report", &["DEPARTMENT", "OUTCOME", "COMPLIANCE"]),
    ("durationDeviationRate", RATE, "Report", &["DEPARTMENT", "OUTCOME", "COMPLIANCE"]),
    ("milestoneOnTimeRate", RATE, "Milestone", &["DEPARTMENT", "MILESTONE_KIND"]),
    ("problems", "value", "Problem", &["DEPARTMENT", "PROBLEM_PHASE", "IMPACT"]),
    ("problemHandlingMinutes", DURATION, "Problem", &["DEPARTMENT", "PROBLEM_PHASE", "IMPACT"]),
    ("problemsPerRelease", RATE, "Report", &["DEPARTMENT", "OUTCOME"]),
    ("rollbackRate", RATE, "Report", &["DEPARTMENT", "OUTCOME"]),
    ("deploymentFrequency", RATE, "Deployment", &["DEPLOYMENT_STATUS"]),
    ("leadTimeMinutes", DURATION, "Deployment", &[]),
    ("changeFailureRate", RATE, "Deployment", &["DEPLOYMENT_STATUS"]),
    ("recoveryMinutes", DURATION, "Problem", &["DEPARTMENT", "PROBLEM_PHASE", "IMPACT"]),
    ("postReleaseIssues", "value fixed unfixed sampleSize bySeverity { found }", "", &["ISSUE_CATEGORY"]),
    ("fixRate", RATE, "", &["ISSUE_CATEGORY"]),
    ("satisfaction", "value sampleSize", "Case", &[]),
    ("compliance", "value", "Report", &["DEPARTMENT", "COMPLIANCE"]),
    ("budget", "currency value planned actual overspent overspentShare sampleSize", "Report", &["DEPARTMENT", "OUTCOME"]),
    ("effortHours", "value sampleSize", "Report", &["DEPARTMENT", "OUTCOME"]),
    ("staffing", "value sampleSize", "", &["DEPARTMENT"]),
    ("actions", "value", "ActionOccurrence", &["DEPARTMENT", "ACTION_AREA", "OCCURRENCE_STATUS"]),
    ("overdueActions", "value meanDays maxDays", "ActionOccurrence", &["DEPARTMENT", "ACTION_AREA"]),
    ("actionOnTimeRate", RATE, "ActionOccurrence", &["DEPARTMENT", "ACTION_AREA", "OCCURRENCE_STATUS"]),
    ("actionVerificationRate", RATE, "ActionOccurrence", &["DEPARTMENT", "ACTION_AREA"]),
    ("reportCycleMinutes", "value sampleSize filed drafting signature committee meanReturns", "Report", &["DEPARTMENT", "OUTCOME"]),
];
const RATE: &str = "value numerator denominator sampleSize";
const DURATION: &str = "value median p90 mean sampleSize";

fn rounded(numerator: i64, denominator: i64) -> Value {
    if denominator == 0 {
        return Value::Null;
    }
    // Four decimals, halves to even, in whole numbers.
    let (n, d) = (i128::from(numerator) * 10_000, i128::from(denominator));
    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));
    let q = if 2 * r > d || (2 * r == d && q % 2 != 0) { q + 1 } else { q };
    json!(q as f64 / 10_000.0)
}

/// The percentile by its definition: at rank p(n − 1), linear between the neighbours.
fn quantile(values: &[i64], p: f64) -> Value {
    if values.is_empty() {
        return Value::Null;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = p * (sorted.len() - 1) as f64;
    let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
    let value = sorted[low] as f64 + (sorted[high] - sorted[low]) as f64 * (rank - rank.floor());
    json!((value * 1_000.0).round() / 1_000.0)
}

fn hundredths(n: i64) -> Value {
    json!(format!("{}{}.{:02}", if n < 0 { "-" } else { "" }, n.abs() / 100, n.abs() % 100))
}

/// What a family should answer for a group.
fn expected(metric: &str, sum: &Sum, days: i64, currency: Option<&str>) -> Value {
    let (n, first) = (i64::try_from(sum.counted.len()).unwrap(), sum.sums.first().copied().unwrap_or(0));
    let second = sum.sums.get(1).copied().unwrap_or(0);
    let num = i64::try_from(sum.numerator.len()).unwrap();
    let values = |i: usize| sum.values.get(i).cloned().unwrap_or_default();
    let any = |v: Value| if n > 0 { v } else { Value::Null };
    let rate = |a: i64, b: i64| json!({ "value": rounded(a, b), "numerator": a, "denominator": b, "sampleSize": n });
    match metric {
        "releases" | "problems" | "compliance" | "actions" => json!({ "value": n }),
        "durationDeviationRate" | "fixRate" => rate(first, second),
        "problemsPerRelease" => rate(first, n),
        "deploymentFrequency" => rate(n, days),
        m if m.ends_with("Rate") => rate(num, n),
        "releaseDelayMinutes" | "problemHandlingMinutes" | "leadTimeMinutes" | "recoveryMinutes" => {
            let median = quantile(&values(0), 0.5);
            json!({ "value": median, "median": median, "p90": quantile(&values(0), 0.9), "mean": rounded(first, n), "sampleSize": n })
        }
        "postReleaseIssues" => {
            let severities: Vec<i64> = (1..8).map(|i| sum.sums.get(i).copied().unwrap_or(0)).collect();
            let found: i64 = severities.iter().sum();
            let by: Vec<Value> = severities.into_iter().map(|found| json!({ "found": found })).collect();
            json!({ "value": any(json!(found)), "fixed": any(json!(first)), "unfixed": any(json!(found - first)), "sampleSize": n, "bySeverity": by })
        }
        "satisfaction" => json!({ "value": rounded(first, n), "sampleSize": n }),
        "budget" => json!({ "currency": currency, "value": any(hundredths(second - first)), "planned": any(hundredths(first)),
            "actual": any(hundredths(second)), "overspent": num, "overspentShare": rounded(num, n), "sampleSize": n }),
        "effortHours" => json!({ "value": any(hundredths(first)), "sampleSize": n }),
        "staffing" => json!({ "value": any(json!(first)), "sampleSize": n }),
        "overdueActions" => json!({ "value": n, "meanDays": rounded(first, n), "maxDays": values(0).into_iter().max() }),
        "reportCycleMinutes" => {
            json!({ "value": quantile(&values(0), 0.5), "sampleSize": num, "filed": n, "drafting": quantile(&values(1), 0.5),
            "signature": quantile(&values(2), 0.5), "committee": quantile(&values(3), 0.5),
            "meanReturns": rounded(values(4).iter().sum(), n) })
        }
        other => panic!("{other}"),
    }
}

fn days_of(bucket: &str, dimension: &str, filter: &Filter) -> i64 {
    let name = |day: NaiveDate| match dimension {
        "MONTH" => day.format("%Y-%m").to_string(),
        "QUARTER" => format!("{}-Q{}", day.format("%Y"), (day.format("%m").to_string().parse::<u32>().unwrap() - 1) / 3 + 1),
        "WEEK" => day.format("%G-W%V").to_string(),
        "DAY" => day.to_string(),
        _ => day.format("%Y").to_string(),
    };
    let all = (filter.to - filter.from).num_days();
    (0..=all).filter(|d| name(filter.from + TimeDelta::days(*d)) == bucket).count().try_into().unwrap()
}

fn asked(metric: &str, fields: &str, by: &[&str]) -> String {
    let figure = format!(
        "{{ {fields} keys {{ dimension value }} excluded {{ reason count drillDown {{ list counted }} }} drillDown {{ part list counted }} }}"
    );
    let total = if metric == "budget" { "totals" } else { "total" };
    let by = if by.is_empty() { String::new() } else { format!("(groupBy: [{}])", by.join(", ")) };
    format!("{metric}{by} {{ {total} {figure} groups {figure} }}")
}

/// Compares one figure with the plain way, and gives what its drill-downs should list.
fn compare(
    metric: &str,
    fields: &str,
    answer: &Value,
    plain: &BTreeMap<Vec<Option<String>>, Sum>,
    filter: &Filter,
    by: &[&str],
) -> Vec<(Value, Vec<Uuid>)> {
    let figures: Vec<&Value> = match (by.is_empty(), metric) {
        (true, "budget") => answer["totals"].as_array().unwrap().iter().collect(),
        (true, _) => vec![&answer["total"]],
        _ => answer["groups"].as_array().unwrap().iter().collect(),
    };
    let mut seen = BTreeMap::new();
    for figure in figures {
        let mut keys: Vec<Option<String>> =
            figure["keys"].as_array().unwrap().iter().map(|k| k["value"].as_str().map(str::to_owned)).collect();
        if metric == "budget" && figure["currency"] != Value::Null {
            keys.push(figure["currency"].as_str().map(str::to_owned));
        }
        assert!(seen.insert(keys.clone(), figure).is_none(), "{metric} {by:?} has {keys:?} twice");
    }
    let mut ways = Vec::new();
    let empty = BTreeMap::from([(Vec::new(), Sum::default())]);
    let plain = if by.is_empty() && plain.is_empty() && metric != "budget" { &empty } else { plain };
    assert_eq!(seen.keys().collect::<Vec<_>>(), plain.keys().collect::<Vec<_>>(), "the groups of {metric} {by:?} {filter:?}");
    for (keys, sum) in plain {
        let figure = seen[keys];
        let time = by.iter().position(|d| ["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"].contains(d));
        let days = time.map_or((filter.to - filter.from).num_days() + 1, |t| days_of(keys[t].as_deref().unwrap(), by[t], filter));
        let currency = if metric == "budget" && keys.len() > by.len() { keys.last().unwrap().as_deref() } else { None };
        let want = expected(metric, sum, days, currency);
        for (field, value) in want.as_object().unwrap() {
            let got = &figure[field];
            let near = got.as_f64().zip(value.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-6);
            assert!(near || got == value, "{metric} {by:?} {keys:?}: {field} is {got}, not {value} ({fields}) {filter:?}");
        }
        let out: BTreeMap<String, i64> =
            sum.out.iter().map(|(reason, ids)| ((*reason).to_owned(), ids.len().try_into().unwrap())).collect();
        let excluded = figure["excluded"].as_array().unwrap();
        let got: BTreeMap<String, i64> =
            excluded.iter().map(|e| (e["reason"].as_str().unwrap().to_owned(), e["count"].as_i64().unwrap())).collect();
        assert_eq!(got, out, "what {metric} {by:?} {keys:?} leaves out");
        for one in excluded {
            ways.push((one["drillDown"].clone(), sum.out[one["reason"].as_str().unwrap()].clone()));
        }
        for way in figure["drillDown"].as_array().unwrap() {
            let numerator = way["part"] == "NUMERATOR" && metric != "problemsPerRelease";
            ways.push((way.clone(), if numerator { sum.numerator.clone() } else { sum.counted.clone() }));
        }
    }
    ways
}

/// What a drill-down lists, as the ids of its objects; only how many where they are more than a page.
async fn listed(reader: &Person<'_>, way: &Value) -> (u64, Vec<String>) {
    let list = match way["list"].as_str().unwrap() {
        "REPORTS" => "reports",
        "MILESTONES" => "milestones",
        "PROBLEMS" => "problems",
        "CASES" => "cases",
        "ACTION_OCCURRENCES" => "actionOccurrences",
        _ => "deployments",
    };
    let query = format!("query($c: ID) {{ {list}(counted: $c, first: 100) {{ totalCount nodes {{ id }} }} }}");
    let answer = reader.read(&query, json!({ "c": way["counted"] })).await;
    let mut ids: Vec<String> = answer[list]["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    (answer[list]["totalCount"].as_u64().unwrap(), ids)
}

fn global(kind: &str, ids: impl IntoIterator<Item = Uuid>) -> Vec<String> {
    let all: BTreeSet<String> = ids.into_iter().map(|id| URL_SAFE_NO_PAD.encode(format!("{kind}:{id}"))).collect();
    all.into_iter().collect()
}

#[tokio::test]
async fn every_figure_is_what_the_plain_way_gives_and_leads_to_what_it_counted() {
    each_database(async |app| {
        let rows = awkward(app, 20_261_124, 45);
        app.app.store.import(rows.clone()).await.unwrap();
        let plain = Plain { rows: &rows, calendar: app.app.store.calendar, now: app.clock.now() };
        let (admin, today) = (app.person("管理", &["ADMIN"]), app.app.store.today());
        let year = Filter { from: today - TimeDelta::days(365), to: today, ..Filter::default() };
        let filters = [
            year.clone(),
            Filter {
                products: Some(vec!["netaudit".into(), "nothing".into()]),
                departments: Some(vec!["OPS".into(), "TEST".into()]),
                ..year.clone()
            },
            Filter {
                from: today - TimeDelta::days(600),
                to: today + TimeDelta::days(40),
                release_types: Some(vec!["PATCH".into(), "MAJOR".into()]),
                ..year
            },
        ];
        let mut steps = 0;
        for (round, filter) in filters.iter().enumerate() {
            for (metric, fields, kind, own) in FIGURES {
                let common: [&[&str]; 5] = [&[], &["MONTH"], &["PRODUCT", "WEEK"], &["RELEASE_TYPE", "STRATEGY"], &["QUARTER"]];
                let mut all: Vec<Vec<&str>> = common.iter().map(|by| by.to_vec()).collect();
                all.extend(own.iter().map(|d| vec![*d, "MONTH"]));
                all.extend(own.iter().zip(own.iter().skip(1)).map(|(a, b)| vec![*a, *b]));
                let mut query = String::from("query($w: MetricsWhere) { metrics(where: $w) {");
                for (index, by) in all.iter().enumerate() {
                    query.push_str(&format!(" f{index}: {}", asked(metric, fields, by)));
                }
                query.push_str(" } }");
                let r#where = json!({ "period": { "from": filter.from, "to": filter.to }, "products": filter.products,
                    "releaseTypes": filter.release_types, "departments": filter.departments });
                let answer = admin.read(&query, json!({ "w": r#where })).await;
                let records = plain.records(metric);
                for (index, by) in all.iter().enumerate() {
                    let sums = add_up(&records, filter, by);
                    let ways = compare(metric, fields, &answer["metrics"][format!("f{index}")], &sums, filter, by);
                    // Each filter looks behind another part of the figures: all of them would be thousands of lists.
                    for (n, (way, ids)) in ways.into_iter().enumerate() {
                        if (n + index + round) % 17 != 0 {
                            continue;
                        }
                        steps += 1;
                        let of_report = |ids: &[Uuid]| -> Vec<Uuid> {
                            let of = |id: &Uuid| {
                                let statistic = rows.statistics.iter().find(|s| s.id == *id).map(|s| s.report_id);
                                statistic.or(rows.staffing.iter().find(|s| s.id == *id).map(|s| s.report_id)).unwrap()
                            };
                            ids.iter().map(of).collect()
                        };
                        let want = if metric == "problemsPerRelease" && way["part"] == "NUMERATOR" {
                            global("Problem", rows.problems.iter().filter(|p| ids.contains(&p.report_id)).map(|p| p.id))
                        } else if kind.is_empty() {
                            global("Report", of_report(&ids))
                        } else {
                            global(kind, ids)
                        };
                        let (total, got) = listed(&admin, &way).await;
                        assert_eq!(total, u64::try_from(want.len()).unwrap(), "{metric} {by:?} {way}");
                        if want.len() <= 100 {
                            assert_eq!(got, want, "{metric} {by:?} {way}");
                        }
                    }
                }
            }
        }
        assert!(steps > 150, "{steps} lists were looked behind");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_before_any_work() {
    each_database(async |app| {
        let reader = app.person("研发", &["RND"]);
        let refused = async |query: &str| -> String {
            let before = app.statements.load(std::sync::atomic::Ordering::Relaxed);
            let answer = reader.ask(query, json!({})).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{query} {answer}");
            assert_eq!(app.statements.load(std::sync::atomic::Ordering::Relaxed), before, "no statement for {query}");
            answer["errors"][0]["message"].as_str().unwrap().to_owned()
        };
        let text =
            refused(r#"{ metrics(where: { period: { from: "2026-03-01", to: "2026-02-01" } }) { releases { total { value } } } }"#).await;
        assert!(text.contains("where.period"), "{text}");
        let text =
            refused(r#"{ metrics(where: { period: { from: "1926-03-01", to: "2926-02-01" } }) { releases { total { value } } } }"#).await;
        assert!(text.contains("100 years"), "{text}");
        let text = refused(
            r#"{ metrics(where: { period: { from: "2000-01-01", to: "2026-02-01" } }) { releases(groupBy: [DAY]) { total { value } } } }"#,
        )
        .await;
        assert!(text.contains("400 time buckets"), "{text}");
        refused("{ metrics { releases(groupBy: [MONTH, WEEK]) { total { value } } } }").await;
        refused("{ metrics { releases(groupBy: [MONTH, PRODUCT, STRATEGY]) { total { value } } } }").await;
        let text = refused("{ metrics { deploymentFrequency(groupBy: [DEPARTMENT]) { total { value } } } }").await;
        assert!(text.contains("DEPARTMENT") && text.contains("metricDefinitions"), "{text}");
        refused(r#"{ metrics(where: { products: ["a'b"] }) { releases { total { value } } } }"#).await;
        refused(r#"{ reports(counted: "nonsense") { totalCount } }"#).await;
        // One figure that cannot be grouped so does not take the others along.
        let answer = reader
            .ask("{ metrics { releases { total { value } } satisfaction(groupBy: [DEPARTMENT]) { total { value } } } }", json!({}))
            .await;
        assert_eq!(
            (&answer["data"]["metrics"]["releases"]["total"]["value"], &answer["data"]["metrics"]["satisfaction"]),
            (&json!(0), &Value::Null)
        );
        let unknown = reader.ask("{ metrics { releases(groupBy: [MOON]) { total { value } } } }", json!({})).await;
        assert_eq!(unknown["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        let pipeline = app.person("流水线", &["PIPELINE"]).ask("{ metrics { releases { total { value } } } }", json!({})).await;
        assert_eq!((&pipeline["errors"][0]["extensions"]["code"], &pipeline["data"]["metrics"]), (&json!("FORBIDDEN"), &Value::Null));
    })
    .await;
}
