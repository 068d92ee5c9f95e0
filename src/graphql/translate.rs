//! The library's messages in both languages. They come in English only; each is known by its pattern. One that is not known
//! stays in English, behind a Chinese word that says what it is.

use crate::error::{Said, say};

/// Pattern, English (where the library's own says it wrongly), Chinese. `{}` stands for a part, `{0}` for the first of them.
const MESSAGES: &[(&str, Option<&str>, &str)] = &[
    ("Unknown field \"{}\" on type \"{}\".{}", None, "类型“{1}”没有字段“{0}”。{2}"),
    ("Unknown argument \"{}\" on field \"{}\" of type \"{}\".{}", None, "类型“{2}”的字段“{1}”没有参数“{0}”。{3}"),
    ("Unknown argument \"{}\" on directive \"{}\".{}", None, "指令“{1}”没有参数“{0}”。{2}"),
    ("Unknown type \"{}\"", None, "未知类型“{0}”"),
    ("Unknown fragment: \"{}\"", None, "未知片段“{0}”"),
    ("Unknown directive \"{}\"", None, "未知指令“{0}”"),
    ("Unknown operation named \"{}\"", None, "没有名为“{0}”的操作"),
    ("Operation name required in request.", None, "文档包含多个操作，请用 operationName 指定"),
    ("Duplicate directive \"{}\"", None, "指令“{0}”重复"),
    ("Directive \"{}\" may not be used on \"{}\"", None, "指令“{0}”不能用于“{1}”"),
    ("Directive \"@{}\" argument \"{}\" of type \"{}\" is required but not provided", None, "缺少指令“@{0}”的必填参数“{1}”（类型 {2}）"),
    (
        "Field \"{}\" argument \"{}\" of type \"{}\" is required but not provided",
        Some("Argument \"{1}\" of field \"{2}.{0}\" is required but not provided"),
        "缺少字段“{2}.{0}”的必填参数“{1}”",
    ),
    ("Field \"{}\" must not have a selection since type \"{}\" has no subfields", None, "字段“{0}”的类型“{1}”没有子字段，不能带选择集"),
    ("Field \"{}\" of type \"{}\" must have a selection of subfields", None, "字段“{0}”的类型为“{1}”，必须选择子字段"),
    ("Fragment \"{}\" cannot condition non composite type \"{}\"", None, "片段“{0}”不能用于非复合类型“{1}”"),
    ("Fragment cannot condition non composite type \"{}\"", None, "片段不能用于非复合类型“{0}”"),
    (
        "Fragment \"{}\" cannot be spread here as objects of type \"{}\" can never be of type \"{}\"",
        None,
        "片段“{0}”不能在此展开：类型“{1}”的对象不可能是“{2}”",
    ),
    (
        "Fragment cannot be spread here as objects of type \"{}\" can never be of type \"{}\"",
        None,
        "片段不能在此展开：类型“{0}”的对象不可能是“{1}”",
    ),
    ("Fragment \"{}\" is never used", None, "片段“{0}”未被使用"),
    ("Cannot spread fragment \"{}\"", None, "片段“{0}”直接或间接引用了自身"),
    ("Variable \"${}\" is not defined by operation \"{}\"", None, "操作“{1}”没有声明变量“${0}”"),
    ("Variable \"${}\" is not used by operation \"{}\"", None, "操作“{1}”没有使用变量“${0}”"),
    ("Variable \"${}\" is not defined", None, "变量“${0}”没有声明"),
    ("Variable \"${}\" is not used", None, "变量“${0}”未被使用"),
    ("Variable {} is not defined.", None, "变量“{0}”没有声明"),
    (
        "Variable \"{}\" of type \"{}\" used in position expecting type \"{}\"",
        Some("Variable \"${0}\" of type \"{2}\" used in position expecting type \"{1}\""),
        "变量“${0}”的类型“{2}”与所在位置要求的类型“{1}”不符",
    ),
    (
        "Variable \"{}\" cannot be of non-input type \"{}\"",
        Some("Variable \"${0}\" cannot be of non-input type \"{1}\""),
        "变量“${0}”不能使用非输入类型“{1}”",
    ),
    ("There can only be one argument named \"{}\"", None, "参数“{0}”重复"),
    ("There can only be one variable named \"${}\"", None, "变量“${0}”重复声明"),
    (
        "Fields \"{}\" conflict because \"{}\" and \"{}\" are different fields. Use different aliases on the fields to fetch both if this was intentional.",
        None,
        "字段“{0}”冲突：“{1}”与“{2}”是不同的字段，如需同时获取请使用不同的别名",
    ),
    (
        "Fields \"{}\" conflict because they have differing arguments. Use different aliases on the fields to fetch both if this was intentional.",
        None,
        "字段“{0}”冲突：参数不同，如需同时获取请使用不同的别名",
    ),
    ("Invalid default value for argument: \"{}\", {}", None, "变量“{0}”的默认值无效：{1}"),
    ("Invalid value for argument \"{}\", {}", None, "参数“{0}”的值无效：{1}"),
    ("Failed to parse \"{}\": {}", None, "无法解析为“{0}”：{1}"),
    ("Expected input type \"{}\", found {}.{}", None, "应为输入类型“{0}”，实际为 {1}{2}"),
    ("Schema is not configured for {}s.", None, "该服务不支持此类操作（{0}）"),
    // What stands behind a colon or a comma in the ones above.
    ("expected type \"{}\"", None, "应为类型“{0}”"),
    ("enumeration type \"{}\" does not contain the value \"{}\"", None, "枚举“{0}”没有值“{1}”"),
    ("Enumeration type does not contain value \"{}\".", None, "枚举没有值“{0}”"),
    (
        "Oneof Input Objects require that exactly one field must be supplied and that field must not be null",
        None,
        "必须且只能给出一个非空字段",
    ),
    ("Oneof input objects requires have exactly one field", Some("exactly one field must be given"), "必须且只能给出一个字段"),
    ("field \"{}\" of type \"{}\" is required but not provided", None, "缺少类型“{1}”的必填字段“{0}”"),
    ("unknown field \"{}\" of type \"{}\"", None, "类型“{1}”没有字段“{0}”"),
    ("Only integers from {} to {} are accepted.", None, "只接受 {0} 到 {1} 之间的整数"),
    ("Invalid number", None, "数字无效"),
    ("a DateTime is RFC 3339 with an offset, such as {}", None, "DateTime 须为带时区偏移的 RFC 3339 时间，例如 {0}"),
    ("a DateTime lies between the years 1900 and 9999", None, "DateTime 的年份须在 1900 至 9999 之间"),
    ("a Date is a day that exists, as {}", None, "Date 须为存在的日期，例如 {0}"),
    ("a Date lies between the years 1900 and 9999", None, "Date 的年份须在 1900 至 9999 之间"),
    ("a Decimal is a string with at most two places, such as {}", None, "Decimal 须为最多两位小数的字符串，例如 {0}"),
    ("a URL is absolute and begins with http:// or https://", None, "URL 须为以 http:// 或 https:// 开头的绝对地址"),
    (" Did you mean {}?", None, "您是否想用 {0}？"),
    ("", None, ""),
];

/// A message of the library in both languages.
pub fn translate(message: &str) -> Said {
    known(message).unwrap_or_else(|| say(message, format!("请求无效：{message}")))
}

fn known(message: &str) -> Option<Said> {
    MESSAGES.iter().find_map(|(pattern, better, chinese)| {
        let parts = parts(pattern, message)?;
        let en: Vec<String> = parts.iter().map(|part| part.to_string()).collect();
        let zh = parts.iter().map(|part| known(part).map_or_else(|| part.to_string(), |said| said.zh));
        let zh: Vec<String> = zh.collect();
        Some(say(better.map_or_else(|| message.to_owned(), |better| fill(better, &en)), fill(chinese, &zh)))
    })
}

/// What stands for the `{}` of a pattern; the last takes all that is left.
fn parts<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut found = Vec::new();
    let pieces: Vec<&str> = pieces.collect();
    for (at, piece) in pieces.iter().enumerate() {
        let end = if at + 1 == pieces.len() { rest.strip_suffix(piece)?.len() } else { rest.find(piece)? };
        found.push(rest.get(..end)?);
        rest = rest.get(end + piece.len()..)?;
    }
    rest.is_empty().then_some(found)
}

fn fill(pattern: &str, parts: &[String]) -> String {
    (0..).zip(parts).fold(pattern.to_owned(), |text, (at, part): (usize, _)| text.replacen(&format!("{{{at}}}"), part, 1))
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn messages_are_told_in_both_languages_and_swapped_words_are_put_right() {
        for (message, en, zh) in [
            ("Unknown field \"x\" on type \"Query\".", None, "类型“Query”没有字段“x”。"),
            ("Unknown field \"x\" on type \"Query\". Did you mean \"y\"?", None, "类型“Query”没有字段“x”。您是否想用 \"y\"？"),
            (
                "Variable \"a\" of type \"Int!\" used in position expecting type \"String\"",
                Some("Variable \"$a\" of type \"String\" used in position expecting type \"Int!\""),
                "变量“$a”的类型“String”与所在位置要求的类型“Int!”不符",
            ),
            (
                "Invalid value for argument \"where.state.eq\", enumeration type \"ReportState\" does not contain the value \"X\"",
                None,
                "参数“where.state.eq”的值无效：枚举“ReportState”没有值“X”",
            ),
            ("something new", None, "请求无效：something new"),
        ] {
            let said = translate(message);
            assert_eq!((said.en.as_str(), said.zh.as_str()), (en.unwrap_or(message), zh));
        }
    }
}
