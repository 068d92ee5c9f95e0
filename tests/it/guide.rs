//! The worked example of the front-end guide, from draft to filed and beyond.

use serde_json::json;

use crate::support::{each_database, guide::play};

#[tokio::test]
async fn the_worked_example_of_the_guide_runs_from_draft_to_filed() {
    each_database(async |app| {
        let kept = play(app, "the end").await;
        let report = app
            .product()
            .read(
                "query($id: ID!) { report(by: {id: $id}) { state round superseded productHeadSignature { valid } } }",
                json!({ "id": kept["reportId"] }),
            )
            .await;
        assert_eq!(
            report["report"],
            json!({ "state": "FILED", "round": 2, "superseded": false, "productHeadSignature": { "valid": true } })
        );
    })
    .await;
}
