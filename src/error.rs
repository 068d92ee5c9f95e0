//! The one error type. It has no `Display` on purpose: `?` on a resolver would otherwise ship any text to the client
//! (`api.md`, GraphQL over HTTP 5). Business failures are [`Error::User`] and become `userErrors` of a payload.

use std::sync::Arc;

use async_graphql::Enum;
use sea_orm::{DbErr, RuntimeErr};

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

/// Says the same in English and in Chinese.
pub fn say(en: impl Into<String>, zh: impl Into<String>) -> Said {
    Said { en: en.into(), zh: zh.into() }
}

/// The languages that answers come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English, the default.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Said {
    /// The sentence in `lang`.
    pub fn text(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

/// What kind of business failure a mutation met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, sea_orm::EnumIter)]
pub enum UserErrorCode {
    /// A value is missing.
    Required,
    /// A value is malformed or contradicts another.
    Invalid,
    /// A text is longer than its field takes.
    TooLong,
    /// A number is outside its range.
    OutOfRange,
    /// A value names something that does not exist, such as a department.
    Unknown,
    /// A value names a department or product that is retired.
    Retired,
    /// Something like it exists already.
    Duplicate,
    /// The object was changed since it was read; `currentVersion` tells its version now.
    Conflict,
    /// The act is not possible in the state that the object is in.
    WrongState,
    /// The report lacks something that submission needs.
    Incomplete,
    /// The idempotency key was used with another input.
    IdempotencyMismatch,
}

/// A business failure: what is wrong with which field of the input, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserError {
    /// What kind of failure.
    pub code: UserErrorCode,
    /// Path into the input, outermost first.
    pub field: Vec<String>,
    /// What is wrong and what to do.
    pub message: Said,
    /// With `Conflict`: the version now.
    pub current_version: Option<i32>,
    /// With `Incomplete`: the department that owes it.
    pub department: Option<String>,
}

impl UserError {
    /// A failure of the input field at `path` (segments joined by dots).
    pub fn at(code: UserErrorCode, path: &str, message: Said) -> Self {
        let field = if path.is_empty() { Vec::new() } else { path.split('.').map(str::to_owned).collect() };
        Self { code, field, message, current_version: None, department: None }
    }
}

/// Everything that can go wrong on the way to an answer.
#[derive(Debug, Clone)]
pub enum Error {
    /// Business failures, answered in the payload.
    User(Vec<UserError>),
    /// No token, or one that does not hold.
    Unauthenticated(Said),
    /// The caller lacks a permission; says which.
    Forbidden(Said),
    /// Absent or invisible: both look alike.
    NotFound(Said),
    /// The request itself is wrong (an argument of a query, a cursor).
    BadInput(Said),
    /// The database is away or the pool exhausted: try again later.
    Unavailable(Arc<str>),
    /// The statement, or the request, took too long.
    Timeout(Arc<str>),
    /// The event log does not have, or no longer has, what follows a position.
    PositionExpired,
    /// The caller asks too often.
    RateLimited {
        /// When to try again.
        seconds: u64,
    },
    /// The same call, by its idempotency key, is still running.
    UnderWay,
    /// Another write came between; the same again will see what it did.
    Raced,
    /// A fault of ours; the text stays in the log.
    Internal(Arc<str>),
}

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// One business failure.
    pub fn user(code: UserErrorCode, path: &str, message: Said) -> Self {
        Self::User(vec![UserError::at(code, path, message)])
    }

    /// A fault of ours.
    pub fn internal(cause: impl std::fmt::Debug) -> Self {
        Self::Internal(format!("{cause:?}").into())
    }

    /// What `id` names does not exist, or the caller may not know that it does.
    pub fn not_found(what: &str) -> Self {
        Self::NotFound(say(format!("{what} does not exist or is not visible to you"), format!("{what} 不存在或您无权查看")))
    }

    /// The code of `api.md` that clients see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::User(_) | Self::BadInput(_) => "BAD_USER_INPUT",
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::Unavailable(_) | Self::Raced => "SERVICE_UNAVAILABLE",
            Self::UnderWay => "CONFLICT",
            Self::Timeout(_) => "TIMEOUT",
            Self::PositionExpired => "POSITION_EXPIRED",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Internal(_) => "INTERNAL_SERVER_ERROR",
        }
    }

    /// What the client reads. Faults keep their text to themselves.
    pub fn message(&self) -> Said {
        match self {
            Self::User(errors) => errors.first().map_or_else(|| say("Invalid input", "输入无效"), |e| e.message.clone()),
            Self::Unauthenticated(said) | Self::Forbidden(said) | Self::NotFound(said) | Self::BadInput(said) => said.clone(),
            Self::Unavailable(_) | Self::Raced => say("The service is busy; try again shortly", "服务繁忙，请稍后重试"),
            Self::UnderWay => {
                say("The same call is still running; repeat it to get its answer", "相同的调用仍在处理中，请稍后重试以获取结果")
            }
            Self::Timeout(_) => say("It took too long; try again, or ask for less", "处理超时，请重试或缩小查询范围"),
            Self::PositionExpired => say(
                "The event log does not reach this position (it may have been restored); read the present state, and subscribe without `after`",
                "事件日志中没有该位置（可能已从备份恢复）；请读取当前状态后不带 after 重新订阅",
            ),
            Self::RateLimited { seconds } => {
                say(format!("Too many requests; try again in {seconds} s"), format!("请求过于频繁，请 {seconds} 秒后重试"))
            }
            Self::Internal(_) => say("Internal error; quote the request id when you report it", "内部错误，反馈时请附上请求编号"),
        }
    }

    /// The text for the log, of faults only.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable(cause) | Self::Timeout(cause) | Self::Internal(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<UserError> for Error {
    fn from(error: UserError) -> Self {
        Self::User(vec![error])
    }
}

impl From<Error> for async_graphql::Error {
    /// Both languages travel in private extensions; the front picks one and removes them.
    fn from(error: Error) -> Self {
        let said = error.message();
        let mut out = Self::new(said.en.clone());
        let mut extensions = async_graphql::ErrorExtensionValues::default();
        extensions.set("code", error.code());
        extensions.set("zh", said.zh);
        out.extensions = Some(extensions);
        out.source = Some(Arc::new(error));
        out
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let text = format!("{error:?}");
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return Self::Unavailable(text.into()),
            DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => {
                if let Some(db) = e.as_database_error() {
                    if let Some(user) = violated(db.constraint(), db.message()) {
                        return user.into();
                    }
                    match db.code().as_deref() {
                        // query_canceled, lock_not_available
                        Some("57014" | "55P03") => return Self::Timeout(text.into()),
                        // admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections; SQLite: BUSY, FULL, IOERR
                        Some("57P01" | "57P02" | "57P03" | "53300" | "53100" | "5" | "13" | "10" | "778") => {
                            return Self::Unavailable(text.into());
                        }
                        _ => {}
                    }
                } else if matches!(
                    **e,
                    sea_orm::SqlxError::Io(_)
                        | sea_orm::SqlxError::PoolTimedOut
                        | sea_orm::SqlxError::PoolClosed
                        | sea_orm::SqlxError::Tls(_)
                ) {
                    return Self::Unavailable(text.into());
                }
            }
            _ => {}
        }
        Self::Internal(text.into())
    }
}

/// Whether a write failed on something that trying again may cure: deadlock or serialisation failure.
pub fn is_transient(error: &Error) -> bool {
    matches!(error, Error::Raced) || matches!(error, Error::Internal(text) if text.contains("40P01") || text.contains("40001"))
}

/// The field's error for a violated constraint: by its name, or by its columns where SQLite tells only those.
/// Most rules are checked before the database sees them; these are the ones that two writers can race for.
fn violated(constraint: Option<&str>, message: &str) -> Option<UserError> {
    use UserErrorCode::Duplicate;
    let hit = |name: &str, columns: &str| constraint == Some(name) || (!columns.is_empty() && message.ends_with(columns));
    let (path, said) = if hit("report_one_live_per_application", "report.live_application_id") {
        ("applicationNumber", say("The application already has a live report", "该发布申请已有有效报告"))
    } else if hit("product_key_unique", "product.key") {
        ("key", say("A product with this key exists already", "该产品标识已存在"))
    } else if hit("product_project_path_unique", "product_project.path") {
        ("projects", say("The project belongs to another product", "该代码仓库已归属其他产品"))
    } else if hit("event_sink_name_unique", "event_sink.name") {
        ("name", say("A sink with this name exists already", "该接收端名称已存在"))
    } else if hit("ingestion_source_name_unique", "ingestion_source.name") {
        ("name", say("A source with this name exists already", "该来源名称已存在"))
    } else if hit("department_pkey", "department.code") {
        ("code", say("A department with this code exists already", "该部门编码已存在"))
    } else if hit("report_one_open_successor", "report.supersedes_id") {
        ("id", say("A report that supersedes this one is open already", "已存在取代本报告的草稿"))
    } else {
        return None;
    };
    Some(UserError::at(Duplicate, path, said))
}
