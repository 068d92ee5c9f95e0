//! Departments, products and labels.

use relsum::graphql::labels::LABELS;
use serde_json::json;

use crate::support::each_database;

#[tokio::test]
async fn departments_are_added_renamed_and_retired() {
    each_database(async |app| {
        let admin = app.person("管理员", &["ADMIN"]);
        let made = admin
            .does(
                "departmentCreate",
                json!({ "code": "SALES", "nameZh": "销售部", "nameEn": "Sales" }),
                "department { id code position version viewerCan { edit } }",
            )
            .await["department"]
            .clone();
        assert_eq!((&made["position"], &made["viewerCan"]["edit"]), (&json!(9), &json!(true)));
        assert_eq!(
            admin.is_refused("departmentCreate", json!({ "code": "SALES", "nameZh": "x", "nameEn": "x" })).await,
            ["DUPLICATE code"]
        );
        assert_eq!(
            admin.is_refused("departmentCreate", json!({ "code": "sales", "nameZh": " ", "nameEn": "x" })).await,
            ["INVALID code", "REQUIRED nameZh"]
        );
        let stale = json!({ "id": made["id"], "expectedVersion": 7, "nameZh": "营销部" });
        assert_eq!(admin.is_refused("departmentUpdate", stale).await, ["CONFLICT expectedVersion"]);
        admin.does("departmentUpdate", json!({ "id": made["id"], "expectedVersion": 1, "nameZh": "营销部", "active": false }), "").await;
        let data = app.product().in_chinese().read("{ departments { name } active: departments(active: true) { code } }", json!({})).await;
        assert_eq!(data["departments"][8]["name"], "营销部");
        assert_eq!(data["active"].as_array().unwrap().len(), 8);
    })
    .await;
}

#[tokio::test]
async fn products_have_projects_that_belong_to_one_of_them() {
    each_database(async |app| {
        let product = app.product();
        let first = product
            .does(
                "productCreate",
                json!({ "key": "a", "name": "A", "projects": ["github.com/x/a", "github.com/x/b"] }),
                "product { id projects version }",
            )
            .await["product"]
            .clone();
        assert_eq!(first["projects"], json!(["github.com/x/a", "github.com/x/b"]));
        assert_eq!(
            product.is_refused("productCreate", json!({ "key": "b", "name": "B", "projects": ["github.com/x/a"] })).await,
            ["DUPLICATE projects"]
        );
        assert_eq!(
            product.is_refused("productCreate", json!({ "key": "b", "name": "B", "projects": ["x", "x"] })).await,
            ["DUPLICATE projects.1"]
        );
        let changed = product
            .does("productUpdate", json!({ "id": first["id"], "projects": ["github.com/x/b"] }), "product { projects version }")
            .await["product"]
            .clone();
        assert_eq!(changed, json!({ "projects": ["github.com/x/b"], "version": 2 }));
    })
    .await;
}

#[tokio::test]
async fn every_enum_value_of_the_schema_has_a_label_in_both_languages() {
    each_database(async |app| {
        let data = app.product().read("{ __schema { types { kind name enumValues { name } } } }", json!({})).await;
        let mut known = Vec::new();
        for of in data["__schema"]["types"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|t| t["kind"] == "ENUM" && !t["name"].as_str().unwrap().starts_with("__"))
        {
            for value in of["enumValues"].as_array().unwrap() {
                let (name, value) = (of["name"].as_str().unwrap(), value["name"].as_str().unwrap());
                assert!(
                    LABELS.iter().any(|(e, v, zh, en)| *e == name && *v == value && !zh.is_empty() && !en.is_empty()),
                    "{name}.{value}"
                );
                known.push((name.to_owned(), value.to_owned()));
            }
        }
        assert_eq!(known.len(), LABELS.len(), "a label of nothing");
    })
    .await;
}
