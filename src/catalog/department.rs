//! Departments: data, not an enum. Renamed, added and retired by ADMIN; three have duties of their own and stay.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use entity::department;
use sea_orm::{EntityTrait, QuerySelect};

use crate::{
    auth::{Act, Facts, policy},
    error::{Error, Lang, Result, UserErrorCode, say},
    graphql::{
        context::{actor, departments, lang},
        ids::Kind,
        input::{Checks, SHORT, expect_version},
        payload::{UserError, answer},
        walk::{Many, One},
    },
    store::{Change, Origin, Permitted, Store, insert, update},
};

/// Those with duties of their own; they cannot be retired.
const NEEDED: [&str; 3] = ["PRODUCT", "COMMITTEE", "COMMITTEE_OFFICE"];

/// A department of the company.
#[derive(Debug, Clone)]
pub struct Department(pub department::Model);

/// A department of the company.
#[Object]
impl Department {
    /// Global id.
    pub async fn id(&self) -> ID {
        Kind::Department.id(&self.0.code)
    }

    /// Stable code, as claims name it: `OPS`.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// Name in the language of the request.
    async fn name(&self, ctx: &Context<'_>) -> &str {
        match lang(ctx) {
            Lang::En => &self.0.name_en,
            Lang::Zh => &self.0.name_zh,
        }
    }

    /// Chinese name: 运维部.
    async fn name_zh(&self) -> &str {
        &self.0.name_zh
    }

    /// English name.
    async fn name_en(&self) -> &str {
        &self.0.name_en
    }

    /// Whether it is in use. What a retired department owned, PRODUCT may do.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// Place in lists.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// Counts the changes; send it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<CatalogPermissions> {
        Ok(CatalogPermissions { edit: policy::may(actor(ctx)?, Act::DepartmentManage, &Facts::default()) })
    }
}

/// What the caller may do with an entry of the catalog.
#[derive(Debug, Clone, SimpleObject)]
pub struct CatalogPermissions {
    /// Change or retire it.
    pub edit: bool,
}

impl Department {
    /// The department with this code, batched.
    ///
    /// # Errors
    /// A fault, when a foreign key was broken.
    pub async fn by_code(ctx: &Context<'_>, code: &str) -> Result<One<Self>> {
        let all = departments(ctx).await?;
        all.get(code).cloned().map(|row| One(Self(row))).ok_or_else(|| Error::internal("a department that a foreign key promises is gone"))
    }

    /// The departments with these codes, in order.
    ///
    /// # Errors
    /// As above.
    pub async fn by_codes(ctx: &Context<'_>, codes: impl IntoIterator<Item = &str>) -> Result<Many<Self>> {
        let all = departments(ctx).await?;
        let found = codes.into_iter().map(|code| all.get(code).cloned().map(Self));
        found.collect::<Option<_>>().ok_or_else(|| Error::internal("a department that a foreign key promises is gone"))
    }
}

/// Checks codes that an input names: they exist, are in use (or were named before), and none is named twice.
///
/// # Errors
/// A fault of the database.
pub async fn check_codes(permitted: &Permitted, checks: &mut Checks, path: &str, codes: &[String], before: &[String]) -> Result<()> {
    let known = department::Entity::find().all(permitted.conn()).await?;
    for (index, code) in codes.iter().enumerate() {
        let path = format!("{path}.{index}");
        match known.iter().find(|d| d.code == *code) {
            None => checks.fail(
                UserErrorCode::Unknown,
                &path,
                say(format!("There is no department {}", visible(code)), format!("不存在部门 {}", visible(code))),
            ),
            Some(d) if !d.active && !before.contains(code) => {
                checks.fail(UserErrorCode::Retired, &path, say(format!("The department {code} is retired"), format!("部门 {code} 已停用")));
            }
            Some(_) => {}
        }
        checks.require(!codes.iter().take(index).any(|c| c == code), UserErrorCode::Duplicate, &path, || {
            say(format!("The department {} is named twice", visible(code)), format!("部门 {} 重复", visible(code)))
        });
    }
    Ok(())
}

/// A value of the input in a message: short and printable.
pub fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// Queries on departments.
#[derive(Default)]
pub struct DepartmentQuery;

#[Object]
impl DepartmentQuery {
    /// The departments of the company, in their order. `active: true` leaves out the retired ones.
    async fn departments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those in use, or only the retired ones; all unless given.")] active: Option<bool>,
    ) -> Result<Vec<Department>> {
        if !policy::reads_submitted(actor(ctx)?) {
            return Ok(Vec::new());
        }
        let all = departments(ctx).await?;
        let mut list: Vec<_> = all.values().filter(|d| active.is_none_or(|a| d.active == a)).cloned().collect();
        list.sort_by(|a, b| a.position.cmp(&b.position).then_with(|| a.code.cmp(&b.code)));
        Ok(list.into_iter().map(Department).collect())
    }
}

/// A new department.
#[derive(Debug, Clone, InputObject)]
pub struct DepartmentCreateInput {
    /// Stable code of capitals, digits and `_`: `SALES`.
    pub code: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: String,
}

/// A patch of a department: what is omitted stays.
#[derive(Debug, Clone, InputObject)]
pub struct DepartmentUpdateInput {
    /// The department.
    pub id: ID,
    /// Refused with `CONFLICT` when its version is another.
    pub expected_version: Option<i32>,
    /// Chinese name.
    pub name_zh: MaybeUndefined<String>,
    /// English name.
    pub name_en: MaybeUndefined<String>,
    /// Place in lists.
    pub position: MaybeUndefined<i32>,
    /// `false` retires it, `true` brings it back.
    pub active: MaybeUndefined<bool>,
}

/// What `departmentCreate` answers.
#[derive(SimpleObject)]
pub struct DepartmentCreatePayload {
    /// The new department; null when there are user errors.
    department: Option<Department>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// What `departmentUpdate` answers.
#[derive(SimpleObject)]
pub struct DepartmentUpdatePayload {
    /// The changed department; null when there are user errors.
    department: Option<Department>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Mutations of departments.
#[derive(Default)]
pub struct DepartmentMutation;

#[Object]
impl DepartmentMutation {
    /// Adds a department.
    async fn department_create(&self, ctx: &Context<'_>, input: DepartmentCreateInput) -> Result<DepartmentCreatePayload> {
        let (department, user_errors) = answer(ctx, |store, origin| create(store, origin, input.clone())).await?;
        Ok(DepartmentCreatePayload { department: department.map(Department), user_errors })
    }

    /// Renames, reorders, retires or brings back a department.
    async fn department_update(&self, ctx: &Context<'_>, input: DepartmentUpdateInput) -> Result<DepartmentUpdatePayload> {
        let (department, user_errors) = answer(ctx, |store, origin| edit(store, origin, input.clone())).await?;
        Ok(DepartmentUpdatePayload { department: department.map(Department), user_errors })
    }
}

async fn create(store: &Store, origin: &Origin, input: DepartmentCreateInput) -> Result<department::Model> {
    let DepartmentCreateInput { code, name_zh, name_en } = input;
    let permitted = store.create(origin, Act::DepartmentManage).await?;
    let mut checks = Checks::default();
    let well_formed = (1..=40).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    checks.require(well_formed, UserErrorCode::Invalid, "code", || {
        say("A code has 1 to 40 capitals, digits or _", "部门编码由 1 到 40 个大写字母、数字或下划线组成")
    });
    checks.filled("nameZh", &name_zh, SHORT);
    checks.filled("nameEn", &name_en, SHORT);
    checks.done()?;
    let last: Option<Option<i32>> = department::Entity::find()
        .select_only()
        .column_as(sea_orm::ColumnTrait::max(&department::Column::Position), "last")
        .into_tuple()
        .one(permitted.conn())
        .await?;
    let row = department::Model { code, name_zh, name_en, active: true, position: last.flatten().unwrap_or(0) + 1, version: 1 };
    insert(&permitted, row.clone()).await?;
    permitted.commit(Change::of("departmentCreate").added("Department", &row.code, &row)).await?;
    Ok(row)
}

async fn edit(store: &Store, origin: &Origin, input: DepartmentUpdateInput) -> Result<department::Model> {
    let DepartmentUpdateInput { id, expected_version, name_zh, name_en, position, active } = input;
    let permitted = store.create(origin, Act::DepartmentManage).await?;
    let code = Kind::Department.key(&id)?;
    let found = department::Entity::find_by_id(code).lock_exclusive().one(permitted.conn()).await?;
    let before = found.ok_or_else(|| Error::not_found("Department"))?;
    expect_version(expected_version, before.version)?;
    let mut row = before.clone();
    let mut checks = Checks::default();
    checks.patch_filled("nameZh", name_zh, SHORT, &mut row.name_zh);
    checks.patch_filled("nameEn", name_en, SHORT, &mut row.name_en);
    checks.patch_value("position", position, &mut row.position);
    checks.require((0..=10_000).contains(&row.position), UserErrorCode::OutOfRange, "position", || {
        say("Positions go from 0 to 10000", "位置范围为 0 到 10000")
    });
    checks.patch_value("active", active, &mut row.active);
    checks.require(row.active || !NEEDED.contains(&row.code.as_str()), UserErrorCode::Invalid, "active", || {
        say("This department has duties of its own and cannot be retired", "该部门承担专属职责，不能停用")
    });
    checks.done()?;
    if row == before {
        return Ok(row);
    }
    row.version += 1;
    update(&permitted, row.clone()).await?;
    permitted.commit(Change::of("departmentUpdate").edited("Department", &row.code, &before, &row)).await?;
    Ok(row)
}
