//! The gate: what an attacker sends is refused before it costs, with its code and how far it was; what front ends send passes.
//! Each document is sent three times, since a known one goes another way, and again another when it ran so: the answers are the same.

use serde_json::{Value, json};

use crate::{
    statements::FULL,
    support::{Person, TestApp, database::Database, guide::play},
};

async fn app() -> TestApp {
    TestApp::on(Database::sqlite().await, |s| s).await
}

/// Asks thrice, and gives the one answer.
async fn thrice(person: &Person<'_>, query: &str, variables: Value) -> Value {
    let without_id = |mut answer: Value| {
        for error in answer.get_mut("errors").and_then(Value::as_array_mut).into_iter().flatten() {
            error["extensions"].as_object_mut().unwrap().remove("requestId");
        }
        answer
    };
    let cold = without_id(person.ask(query, variables.clone()).await);
    let warm = without_id(person.ask(query, variables.clone()).await);
    assert_eq!(cold, warm, "cold and warm");
    let again = without_id(person.ask(query, variables).await);
    assert_eq!(cold, again, "cold and warm once more");
    warm
}

/// Which limit a document passes.
async fn limit(app: &TestApp, query: &str, variables: Value) -> String {
    let answer = thrice(&app.product(), query, variables).await;
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "QUERY_TOO_COMPLEX", "{:.200}: {answer}", query);
    assert!(extensions["found"].as_u64() > extensions["allowed"].as_u64(), "{extensions}");
    assert_eq!(answer.get("data"), None);
    extensions["limit"].as_str().unwrap().to_owned()
}

/// A hundred entries of the history of a hundred reports.
fn histories(page: &str) -> String {
    let changes = "changes { field before after } ".repeat(5);
    format!("reports(first: {page}) {{ nodes {{ history(first: {page}) {{ nodes {{ {changes} }} }} }} }}")
}

#[tokio::test]
async fn each_limit_refuses_what_passes_it_and_says_how_far_it_was() {
    let app = app().await;
    let doubling: String = (0..30).map(|n| format!("fragment f{n} on Query {{ ...f{} ...f{} }} ", n + 1, n + 1)).collect();
    let long_chain: String = (0..200).map(|n| format!("fragment f{n} on Query {{ ...f{} }} ", n + 1)).collect();
    // What leads to nothing must not be free: a walker takes each step all the same.
    let hollow: String = (0..30).map(|n| format!("fragment f{n} on Query {{ ... {{ ...f{} ...f{} }} }} ", n + 1, n + 1)).collect();
    let wide_variable = json!({ "v": vec!["x"; 2_000] });
    for (query, variables, wanted) in [
        (format!("query {{ ...f0 }} {doubling} fragment f30 on Query {{ __typename }}"), json!({}), "fields"),
        (format!("query {{ __typename }} {doubling} fragment f30 on Query {{ __typename }}"), json!({}), "fields"),
        (format!("query {{ ...f0 }} {hollow} fragment f30 on Query {{ ... {{ __typename }} }}"), json!({}), "fields"),
        (format!("{{ {} }}", "reports { totalCount } ".repeat(1_500)), json!({}), "lookups"),
        (format!("{{ reports(first: 100) {{ nodes {{ {} }} }} }}", "history { totalCount } ".repeat(10)), json!({}), "lookups"),
        (format!("{{ __schema {{ types {{ fields {{ type {{ fields {{ {} }} }} }} }} }} }}", "name ".repeat(500)), json!({}), "cost"),
        (format!("{{ {} }}", "enumLabels { label value } ".repeat(1_900)), json!({}), "cost"),
        (format!("query {{ __typename }} {long_chain} fragment f200 on Query {{ __typename }}"), json!({}), "fragments"),
        (format!("{{ {} }}", (0..2_000).map(|n| format!("a{n}: __typename ")).collect::<String>()), json!({}), "aliases"),
        (format!("{{ __typename {} }}", "@include(if: true) ".repeat(201)), json!({}), "directives"),
        (format!("{{ {} }}", "__typename ".repeat(9_999)), json!({}), "tokens"),
        (format!("{{ reports {}", "{ nodes { supersedes ".repeat(12) + "{ id }" + &" } }".repeat(12) + " }"), json!({}), "depth"),
        ("{a".repeat(40_000), json!({}), "nesting"),
        (format!("{{ nodes(ids: {}", "[".repeat(40_000)), json!({}), "nesting"),
        (format!("query($a: {} Int", "[".repeat(40_000)), json!({}), "nesting"),
        (format!("{{ {} }}", histories("100")), json!({}), "cost"),
        (format!("query($n: Int) {{ {} }}", histories("$n")), json!({ "n": 100 }), "cost"),
        (
            format!(
                "mutation {{ {} }}",
                (0..21).map(|n| format!("m{n}: reportSign(input: {{id: \"x\"}}) {{ report {{ id }} }} ")).collect::<String>()
            ),
            json!({}),
            "mutationFields",
        ),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(), json!({}), "introspection"),
        (format!("{{ {} }}", "n".repeat(5_000)), json!({}), "nameLength"),
        ((0..51).map(|n| format!("query Q{n} {{ __typename }} ")).collect(), json!({}), "operations"),
        (format!("query({}) {{ __typename }}", (0..501).map(|n| format!("$v{n}: Int ")).collect::<String>()), json!({}), "variables"),
        (
            format!("query($v: [ID!]!) {{ {} }}", (0..150).map(|n| format!("n{n}: nodes(ids: $v) {{ id }} ")).collect::<String>()),
            wide_variable,
            "variableUses",
        ),
    ] {
        assert_eq!(limit(&app, &query, variables).await, wanted, "{query:.100}");
    }
    app.end().await;
}

#[tokio::test]
async fn what_front_ends_send_passes_and_its_cost_is_told() {
    let app = app().await;
    let product = app.product();
    let page = format!("{FULL} {{ reports(first: 100) {{ totalCount nodes {{ ...Full }} pageInfo {{ endCursor hasNextPage }} }} }}");
    let answer = thrice(&product, &page, json!({})).await;
    assert_eq!(answer.get("errors"), None, "a page of a hundred reports with all their children: {answer}");
    let cost = &answer["extensions"]["cost"];
    assert!(cost["cost"].as_u64() > Some(10_000) && cost["cost"].as_u64() < cost["costLimit"].as_u64(), "{cost}");
    assert!(cost["depth"].as_u64() < cost["depthLimit"].as_u64(), "{cost}");
    let figures: String = (0..10).map(|n| format!("f{n}: reports(where: {{state: {{eq: FILED}}}}) {{ totalCount }} ")).collect();
    assert_eq!(thrice(&product, &format!("{{ {figures} }}"), json!({})).await.get("errors"), None);
    // The cost follows what is asked for: by value, by variable, by default.
    let cost =
        async |query: &str, variables: Value| thrice(&product, query, variables).await["extensions"]["cost"]["cost"].as_u64().unwrap();
    assert_eq!(cost("{ reports { nodes { id } } }", json!({})).await, 1 + 1 + 20);
    assert_eq!(cost("{ reports(first: 3) { nodes { id number } pageInfo { endCursor } } }", json!({})).await, 1 + (1 + 3 * 2) + (1 + 1));
    assert_eq!(cost("query($n: Int = 7) { reports(first: $n) { nodes { id } } }", json!({})).await, 1 + 1 + 7);
    assert_eq!(cost("query($n: Int = 7) { reports(first: $n) { nodes { id } } }", json!({ "n": 50 })).await, 1 + 1 + 50);
    assert_eq!(cost("{ nodes(ids: [\"a\", \"b\"]) { id } }", json!({})).await, 1 + 2);
    app.end().await;
}

#[tokio::test]
async fn what_the_library_would_stumble_over_is_refused_or_mended() {
    let app = app().await;
    let product = app.product();
    let told = async |query: &str, variables: Value| {
        let answer = thrice(&product, query, variables).await;
        let error = &answer["errors"][0];
        format!(
            "{} {}",
            error["extensions"]["code"].as_str().unwrap_or("ok"),
            error["message"].as_str().unwrap_or(&answer["data"].to_string())
        )
    };
    for (query, variables, wanted) in [
        // Its validation panics.
        ("query($a: [Nope] = [1]) { __typename }", json!({}), "GRAPHQL_VALIDATION_FAILED Unknown type \"Nope\""),
        (
            "query($a: [Report] = [1]) { __typename }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED Variable \"$a\" cannot be of non-input type \"Report\"",
        ),
        // It runs the field twice.
        (
            "mutation { reportSign(input: {id: \"x\"}) { report { id } } ... { reportSign(input: {id: \"x\"}) { report { id } } } }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED The mutation selects \"reportSign\" twice; give one of them an alias",
        ),
        // It overlooks the default of a variable in a directive.
        ("query($a: Boolean = true) { viewer { name @include(if: $a) } }", json!({}), "ok {\"viewer\":{\"name\":\"张伟\"}}"),
        // It notices a missing or unfit variable only when it runs the field.
        (
            "query($id: ID!) { node(id: $id) { id } }",
            json!({}),
            "BAD_USER_INPUT Variable \"$id\" of required type \"ID!\" was not provided",
        ),
        (
            "query($id: ID!) { node(id: $id) { id } }",
            json!({ "id": null }),
            "BAD_USER_INPUT Variable \"$id\" must not be null: its type is \"ID!\"",
        ),
        (
            "query($id: ID!) { node(id: $id) { id } }",
            json!({ "id": { "a": 1 } }),
            "BAD_USER_INPUT Variable \"$id\" got {a: 1}, which is not a ID",
        ),
        (
            "query($n: Int) { reports(first: $n) { totalCount } }",
            json!({ "n": 3_000_000_000_u64 }),
            "BAD_USER_INPUT Variable \"$n\" got 3000000000, which is not a Int",
        ),
        (
            "query($w: ReportWhere) { reports(where: $w) { totalCount } }",
            json!({ "w": { "and": [{ "state": { "eq": "LOST" } }] } }),
            "BAD_USER_INPUT Variable \"$w.and.0.state.eq\" got \"LOST\", which is not a ReportState",
        ),
        (
            "query($w: ReportWhere) { reports(where: $w) { totalCount } }",
            json!({ "w": { "nope": 1 } }),
            "BAD_USER_INPUT Variable \"$w\": ReportWhere has no field \"nope\"",
        ),
        (
            "query($d: Date) { reports(where: {preparedOn: {eq: $d}}) { totalCount } }",
            json!({ "d": "2026-02-30" }),
            "BAD_USER_INPUT Variable \"$d\" got \"2026-02-30\", which is not a Date",
        ),
        (
            "query($by: ReportBy!) { report(by: $by) { id } }",
            json!({ "by": { "id": "a", "number": "b" } }),
            "BAD_USER_INPUT Variable \"$by\": exactly one field of ReportBy must be given, and not null",
        ),
        // It refuses a list that cannot be null where one that can is expected.
        (
            "query($s: [ReportState!]!) { reports(where: {state: {in: $s}}) { totalCount } }",
            json!({ "s": ["FILED"] }),
            "ok {\"reports\":{\"totalCount\":0}}",
        ),
        (
            "query($s: [ReportState!]!) { reports(where: {state: {in: $s}}) { totalCount } }",
            json!({ "s": null }),
            "BAD_USER_INPUT Variable \"$s\" must not be null: its type is \"[ReportState!]!\"",
        ),
        (
            "query($o: [ReportOrder!]!) { reports(orderBy: $o) { totalCount } }",
            json!({ "o": { "field": "NUMBER", "direction": "ASC" } }),
            "ok {\"reports\":{\"totalCount\":0}}",
        ),
        // It runs a subscription with none or several roots, and one in a fragment never.
        (
            "subscription { a: events { id } b: events { id } }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED A subscription has exactly one root field",
        ),
        (
            "subscription { ... { events { id } } }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED Select the field of a subscription itself, not in a fragment",
        ),
        (
            "subscription { __typename }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED A subscription cannot select introspection fields at its root",
        ),
        (
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED Fragment \"a\" spreads itself",
        ),
        (
            "query A { __typename } query B { __typename }",
            json!({}),
            "GRAPHQL_VALIDATION_FAILED operationName is required: the document has several operations",
        ),
    ] {
        let got = told(query, variables).await;
        // Which of two fragments is met first is not told.
        assert_eq!(got.replace("\"b\" spreads", "\"a\" spreads"), wanted, "{query}");
    }
    app.end().await;
}

#[tokio::test]
async fn a_mutation_that_is_refused_at_the_gate_does_nothing() {
    let app = app().await;
    let kept = play(&app, "complete").await;
    let before = app.fingerprint().await;
    let query = "mutation($id: ID!) { reportSubmit(input: {id: $id}) { report { id } } reportSubmit(input: {id: $id}) { report { id } } }";
    let answer = app.product().ask(query, json!({ "id": kept["reportId"] })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(app.fingerprint().await, before);
    app.end().await;
}

#[tokio::test]
async fn messages_come_in_chinese_too() {
    let app = app().await;
    let person = app.product().in_chinese();
    for (query, wanted) in [
        ("{ nope }", "类型“Query”没有字段“nope”。"),
        ("{ reports(first: \"x\") { totalCount } }", "参数“first”的值无效：应为类型“Int”"),
        ("{ report(by: {}) { id } }", "参数“by”的值无效：必须且只能给出一个字段"),
        ("query($a: Int) { __typename }", "变量“$a”未被使用"),
        ("{", "语法错误（第 1 行第 2 列）："),
        ("query($id: ID!) { node(id: $id) { id } }", "缺少必填变量“$id”（类型 ID!）"),
        ("{ reports { nodes { number { x } } } }", "字段“number”的类型“String”没有子字段，不能带选择集"),
    ] {
        let answer = thrice(&person, query, json!({})).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(wanted), "{query}: {message}");
    }
    app.end().await;
}

#[tokio::test]
async fn what_ran_before_answers_each_caller_for_themselves_and_leaves_out_what_directives_take_out() {
    let app = app().await;
    let query = "query($all: Boolean!) { viewer { name @include(if: $all) subject @skip(if: $all) } ...Some @skip(if: $all) \
                 ... @include(if: $all) { kinds: enumLabels { __typename } } } fragment Some on Query { __typename @include(if: true) }";
    let people: Vec<_> = ["何静", "王芳", "李强"].into_iter().map(|name| (name, app.person(name, &["AUDITOR"]))).collect();
    let ask = async |name: &str, person: &Person<'_>, all: bool| {
        let answer = person.ask(query, json!({ "all": all })).await;
        assert_eq!(answer.get("errors"), None);
        let (data, viewer) = (answer["data"].as_object().unwrap(), &answer["data"]["viewer"]);
        assert_eq!((viewer.get("name").is_some(), viewer.get("subject").is_some()), (all, !all));
        assert_eq!((data.contains_key("kinds"), data.contains_key("__typename")), (all, !all));
        if all {
            assert_eq!(viewer["name"], name);
        }
    };
    for _ in 0..10 {
        let asked = people.iter().flat_map(|(name, person)| [true, false].map(|all| ask(name, person, all)));
        futures_util::future::join_all(asked).await;
    }
}

#[tokio::test]
async fn of_those_who_run_one_query_at_the_same_time_each_gets_their_own_errors() {
    let app = app().await;
    // The first field fails at once; the last one waits, meanwhile others end.
    let query = "{ auditLog(first: 1) { pageInfo { hasNextPage } } viewer { name } reports { totalCount } }";
    let (auditor, product) = (app.person("审计", &["AUDITOR"]), app.person("王芳", &["PRODUCT:HEAD"]));
    let asked = async |name: &str, person: &Person<'_>, may: bool| {
        let answer = person.ask(query, json!({})).await;
        assert_eq!(answer["data"]["viewer"]["name"], name);
        assert_eq!(answer["data"]["auditLog"].is_object(), may, "{answer}");
        let errors = answer.get("errors").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(errors, usize::from(!may), "{answer}");
    };
    // First whoever may, so that it is ready for many when it fails for one.
    for _ in 0..3 {
        asked("审计", &auditor, true).await;
    }
    for _ in 0..5 {
        let all = (0..20).map(|n| if n % 5 == 4 { asked("王芳", &product, false) } else { asked("审计", &auditor, true) });
        futures_util::future::join_all(all).await;
    }
    // After enough that do not fail it is one for many again, until it fails again.
    for n in 1..=130 {
        asked("审计", &auditor, true).await;
        if n % 65 == 0 {
            futures_util::join!(asked("王芳", &product, false), asked("审计", &auditor, true), asked("王芳", &product, false));
        }
    }
    app.end().await;
}
