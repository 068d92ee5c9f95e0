//! Who is calling, and what they may do.
//!
//! [`actor`]: the caller; [`token`]: from a JWT to an actor; [`keys`]: where the keys come from; [`mint`]: our own tokens
//! and key pairs; [`seal`]: secrets at rest; [`policy`]: the one page of law.

mod accepted;
pub mod actor;
pub mod keys;
pub mod mint;
pub mod policy;
pub mod rates;
pub mod seal;
pub mod token;

pub use actor::{Actor, Membership};
pub use policy::{Act, Facts};
