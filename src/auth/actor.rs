//! The caller: a subject with memberships and service-wide roles, as the token says.

use entity::enums::{MemberRole, ServiceRole};
use sea_orm::prelude::Uuid;

/// One department that the caller belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The department's code.
    pub department: String,
    /// Member or head.
    pub role: MemberRole,
}

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The identity provider's subject.
    pub subject: String,
    /// Display name.
    pub name: String,
    /// Departments with roles.
    pub memberships: Vec<Membership>,
    /// Service-wide roles.
    pub roles: Vec<ServiceRole>,
    /// Products that a PIPELINE is bound to; empty means any.
    pub products: Vec<String>,
}

/// Namespace of person ids: a subject's id can be told without asking the database.
const PERSONS: Uuid = Uuid::from_u128(0x9f1c_6f52_6d1e_5b0a_8a55_3c1d_7e42_90b1);

/// The id of the person with this subject.
pub fn person_id(subject: &str) -> Uuid {
    Uuid::new_v5(&PERSONS, subject.as_bytes())
}

/// The service itself, where it does what a pipeline may: works deliveries, attaches what waited.
pub fn service_pipeline(name: &str) -> Actor {
    Actor { roles: vec![ServiceRole::Pipeline], ..Actor::service(name) }
}

/// An ingestion source under its own identity, which the audit log names (`events.md` 28).
pub fn source_actor(name: &str) -> Actor {
    Actor { subject: format!("source:{name}"), name: name.to_owned(), ..service_pipeline(name) }
}

impl Actor {
    /// The service itself, for what no person does (demo content).
    pub fn service(name: &str) -> Self {
        Self { subject: format!("relsum:{name}"), name: "Relsum".into(), memberships: vec![], roles: vec![], products: vec![] }
    }

    /// Whether this is the service itself.
    pub fn is_service(&self) -> bool {
        self.subject.starts_with("relsum:")
    }

    /// The caller's row in `person`.
    pub fn person_id(&self) -> Uuid {
        person_id(&self.subject)
    }

    /// Whether the caller belongs to the department, in whichever role.
    pub fn is_member(&self, department: &str) -> bool {
        self.memberships.iter().any(|m| m.department == department)
    }

    /// Whether the caller heads the department.
    pub fn is_head(&self, department: &str) -> bool {
        self.memberships.iter().any(|m| m.department == department && m.role == MemberRole::Head)
    }

    /// Whether the caller has the service-wide role.
    pub fn has(&self, role: ServiceRole) -> bool {
        self.roles.contains(&role)
    }

    /// The caller's departments.
    pub fn departments(&self) -> impl Iterator<Item = &str> {
        self.memberships.iter().map(|m| m.department.as_str())
    }

    /// In which capacity the caller acts, for the audit log: `PRODUCT:HEAD AUDITOR`.
    pub fn capacity(&self) -> String {
        let members = self.memberships.iter().map(|m| {
            let role = match m.role {
                MemberRole::Member => "MEMBER",
                MemberRole::Head => "HEAD",
            };
            format!("{}:{role}", m.department)
        });
        let roles = self.roles.iter().map(|r| role_name(*r).to_owned());
        members.chain(roles).collect::<Vec<_>>().join(" ")
    }
}

/// The name of a service-wide role in claims.
pub fn role_name(role: ServiceRole) -> &'static str {
    match role {
        ServiceRole::Admin => "ADMIN",
        ServiceRole::Auditor => "AUDITOR",
        ServiceRole::Pipeline => "PIPELINE",
    }
}

/// The service-wide role with this name.
pub fn role_from(name: &str) -> Option<ServiceRole> {
    match name {
        "ADMIN" => Some(ServiceRole::Admin),
        "AUDITOR" => Some(ServiceRole::Auditor),
        "PIPELINE" => Some(ServiceRole::Pipeline),
        _ => None,
    }
}

/// Reads `OPS:HEAD`, `OPS:MEMBER` or `OPS`.
pub fn membership_from(text: &str) -> Option<Membership> {
    let (department, role) = text.split_once(':').unwrap_or((text, "MEMBER"));
    let role = match role {
        "MEMBER" => MemberRole::Member,
        "HEAD" => MemberRole::Head,
        _ => return None,
    };
    let well_formed = !department.is_empty() && department.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    well_formed.then(|| Membership { department: department.to_owned(), role })
}
