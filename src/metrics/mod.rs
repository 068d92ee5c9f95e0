//! Figures for dashboards (`metrics.md`): what each means is in a file for each family; [`scope`] is the filter, [`dimension`] what they
//! are grouped by, [`statement`] the SQL, [`count`] adds up, [`figure`] and [`family`] show, [`drill`] leads back to the records.

pub mod actions;
pub mod aftermath;
pub mod count;
pub mod cycle;
pub mod definition;
pub mod deployments;
pub mod dimension;
pub mod drill;
pub mod family;
pub mod figure;
pub mod measure;
pub mod milestones;
pub mod number;
pub mod problems;
pub mod query;
pub mod releases;
pub mod resources;
pub mod rollup;
pub mod scope;
pub mod statement;
