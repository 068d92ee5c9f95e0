//! Departments, products, people and release applications: what reports refer to.

pub mod application;
pub mod department;
pub mod number;
pub mod person;
pub mod product;
pub mod sequence;

pub use application::ReleaseApplication;
pub use department::Department;
pub use person::{Person, PersonInput};
pub use product::{Product, ProductBy};

use async_graphql::MergedObject;

/// The catalog's part of the queries.
#[derive(Default, MergedObject)]
pub struct CatalogQuery(department::DepartmentQuery, product::ProductQuery, application::ApplicationQuery);

/// The catalog's part of the mutations.
#[derive(Default, MergedObject)]
pub struct CatalogMutation(department::DepartmentMutation, product::ProductMutation, person::PersonMutation, sequence::SequenceMutation);
