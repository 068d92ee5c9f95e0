//! Global ids: opaque to clients, they name their type. `Report` and a UUID, in base64.

use async_graphql::ID;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::prelude::Uuid;

use crate::error::{Error, Result};

/// The types that `node` finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the GraphQL type of that name")]
pub enum Kind {
    Report,
    Department,
    Product,
    Person,
    ReleaseApplication,
    Milestone,
    Problem,
    PostReleaseStat,
    Case,
    DepartmentEvaluation,
    ImprovementAction,
    ActionOccurrence,
    AuditEntry,
    Deployment,
    InboundDelivery,
    IngestionSource,
    Event,
    EventSink,
    EventDelivery,
}

const KINDS: [Kind; 19] = [
    Kind::Report,
    Kind::Department,
    Kind::Product,
    Kind::Person,
    Kind::ReleaseApplication,
    Kind::Milestone,
    Kind::Problem,
    Kind::PostReleaseStat,
    Kind::Case,
    Kind::DepartmentEvaluation,
    Kind::ImprovementAction,
    Kind::ActionOccurrence,
    Kind::AuditEntry,
    Kind::Deployment,
    Kind::InboundDelivery,
    Kind::IngestionSource,
    Kind::Event,
    Kind::EventSink,
    Kind::EventDelivery,
];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Report => "Report",
            Self::Department => "Department",
            Self::Product => "Product",
            Self::Person => "Person",
            Self::ReleaseApplication => "ReleaseApplication",
            Self::Milestone => "Milestone",
            Self::Problem => "Problem",
            Self::PostReleaseStat => "PostReleaseStat",
            Self::Case => "Case",
            Self::DepartmentEvaluation => "DepartmentEvaluation",
            Self::ImprovementAction => "ImprovementAction",
            Self::ActionOccurrence => "ActionOccurrence",
            Self::AuditEntry => "AuditEntry",
            Self::Deployment => "Deployment",
            Self::InboundDelivery => "InboundDelivery",
            Self::IngestionSource => "IngestionSource",
            Self::Event => "Event",
            Self::EventSink => "EventSink",
            Self::EventDelivery => "EventDelivery",
        }
    }

    /// The global id of an object of this type.
    pub fn id(self, key: impl std::fmt::Display) -> ID {
        ID(URL_SAFE_NO_PAD.encode(format!("{}:{key}", self.name())))
    }

    /// The UUID in a global id of this type.
    ///
    /// # Errors
    /// `NOT_FOUND`: an id of another type or of nothing names nothing visible.
    pub fn uuid(self, id: &ID) -> Result<Uuid> {
        match read(id) {
            Some((kind, key)) if kind == self => key.parse().map_err(|_| Error::not_found(self.name())),
            _ => Err(Error::not_found(self.name())),
        }
    }

    /// The text key in a global id of this type.
    ///
    /// # Errors
    /// `NOT_FOUND`, as above.
    pub fn key(self, id: &ID) -> Result<String> {
        read(id).filter(|(kind, _)| *kind == self).map(|(_, key)| key).ok_or_else(|| Error::not_found(self.name()))
    }
}

/// The type and key in a global id.
pub fn read(id: &ID) -> Option<(Kind, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(id.as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, key) = text.split_once(':')?;
    let kind = KINDS.into_iter().find(|k| k.name() == name)?;
    (!key.contains('\0')).then(|| (kind, key.to_owned()))
}
