//! Checks of input values. All failures of an input are told together, each with its path.

use async_graphql::MaybeUndefined;

use super::scalars::Hundredths;
use crate::error::{Error, Result, Said, UserError, UserErrorCode, say};

/// Longest short text (names, titles, notes), in characters.
pub const SHORT: usize = 200;
/// Longest long text, in characters.
pub const LONG: usize = 20_000;

/// Collects what is wrong with an input.
#[derive(Debug, Default)]
pub struct Checks {
    errors: Vec<UserError>,
}

impl Checks {
    /// Notes a failure.
    pub fn fail(&mut self, code: UserErrorCode, path: &str, message: Said) {
        self.errors.push(UserError::at(code, path, message));
    }

    /// Refuses unless `holds`.
    pub fn require(&mut self, holds: bool, code: UserErrorCode, path: &str, message: impl FnOnce() -> Said) {
        if !holds {
            self.fail(code, path, message());
        }
    }

    /// Ends the check.
    ///
    /// # Errors
    /// All failures, if there are any.
    pub fn done(self) -> Result<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(Error::User(self.errors)) }
    }

    /// A text: no NUL, not longer than `most` characters. Line breaks stay.
    pub fn text(&mut self, path: &str, text: &str, most: usize) {
        if text.contains('\0') {
            self.fail(UserErrorCode::Invalid, path, say("The text contains a NUL character; remove it", "文本包含 NUL 字符，请删除"));
        }
        let length = text.chars().count();
        self.require(length <= most, UserErrorCode::TooLong, path, || {
            say(
                format!("The text has {length} characters; at most {most} are allowed"),
                format!("文本共 {length} 个字符，最多允许 {most} 个"),
            )
        });
    }

    /// A text that must say something.
    pub fn filled(&mut self, path: &str, text: &str, most: usize) {
        self.require(!text.trim().is_empty(), UserErrorCode::Required, path, || say("The text must not be blank", "文本不能为空"));
        self.text(path, text, most);
    }

    /// A nullable text of a patch, into its place. Blank is null.
    pub fn patch_text(&mut self, path: &str, patch: MaybeUndefined<String>, most: usize, into: &mut Option<String>) {
        match patch {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => *into = None,
            MaybeUndefined::Value(text) => {
                self.text(path, &text, most);
                *into = (!text.trim().is_empty()).then_some(text);
            }
        }
    }

    /// A required text of a patch, into its place.
    pub fn patch_filled(&mut self, path: &str, patch: MaybeUndefined<String>, most: usize, into: &mut String) {
        match patch {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.cannot_clear(path),
            MaybeUndefined::Value(text) => {
                self.filled(path, &text, most);
                *into = text;
            }
        }
    }

    /// A required value of a patch, into its place.
    pub fn patch_value<T>(&mut self, path: &str, patch: MaybeUndefined<T>, into: &mut T) {
        match patch {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => self.cannot_clear(path),
            MaybeUndefined::Value(value) => *into = value,
        }
    }

    /// A count of a patch: never negative, not absurd.
    pub fn patch_count(&mut self, path: &str, patch: MaybeUndefined<i32>, into: &mut Option<i32>) {
        if let MaybeUndefined::Value(count) = patch {
            self.count(path, count);
        }
        patch_into(patch, into);
    }

    /// A count: never negative, not absurd.
    pub fn count(&mut self, path: &str, count: i32) {
        self.require((0..=100_000_000).contains(&count), UserErrorCode::OutOfRange, path, || {
            say("The number must lie between 0 and 100000000", "数值必须在 0 到 100000000 之间")
        });
    }

    /// A decimal of a patch: never negative unless `negative`.
    pub fn patch_decimal(&mut self, path: &str, patch: MaybeUndefined<Hundredths>, negative: bool, into: &mut Option<i64>) {
        if let MaybeUndefined::Value(value) = patch {
            self.require(negative || value.0 >= 0, UserErrorCode::OutOfRange, path, || {
                say("The number must not be negative", "数值不能为负数")
            });
        }
        patch_into(patch.map_value(|v| v.0), into);
    }

    /// Told when `null` is given for what cannot be blank.
    pub fn cannot_clear(&mut self, path: &str) {
        self.fail(UserErrorCode::Required, path, say("The field cannot be cleared", "该字段不能清空"));
    }

    /// A list of a form: not absurdly long.
    pub fn list<T>(&mut self, path: &str, list: &[T], most: usize) {
        self.require(list.len() <= most, UserErrorCode::OutOfRange, path, || {
            say(format!("The list may have at most {most} entries"), format!("列表最多 {most} 项"))
        });
    }
}

/// A nullable value of a patch, into its place.
pub fn patch_into<T>(patch: MaybeUndefined<T>, into: &mut Option<T>) {
    match patch {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *into = None,
        MaybeUndefined::Value(value) => *into = Some(value),
    }
}

/// Refuses a write that was made on an older version of the object.
///
/// # Errors
/// The user error `CONFLICT` with the version now.
pub fn expect_version(expected: Option<i32>, current: i32) -> Result<()> {
    match expected {
        Some(expected) if expected != current => {
            let said = say(
                format!("Somebody changed this since you read it (version {current} now); read it again and repeat your change"),
                format!("该内容已被他人修改（当前版本 {current}），请重新读取后再修改"),
            );
            let error = UserError { current_version: Some(current), ..UserError::at(UserErrorCode::Conflict, "expectedVersion", said) };
            Err(error.into())
        }
        _ => Ok(()),
    }
}
