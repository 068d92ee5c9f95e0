//! Counts the tokens of a document, their length and how deep its brackets nest, without parsing it: what a parser recurses over
//! is bounded before it starts. Stops at the first limit that is passed.

use super::{Refused, within};
use crate::error::say;

/// How deep brackets of any kind may nest: the parser's own limit on selections, and as much again for values.
const NESTING: u64 = 128;

/// Longest name or number: validation compares unknown names with all that are known.
const WORD: u64 = 200;

/// Refuses a text of more than `most` tokens, with overlong names, or with brackets nested too deep. What is no GraphQL is left
/// to the parser, but for a block string without an end, which the parser would look for again and again.
///
/// # Errors
/// Which limit was passed.
pub fn check(text: &str, most: u64) -> Result<usize, Refused> {
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut nesting) = (0, 0, 0_u64);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = end_of_line(bytes, at);
                continue;
            }
            b'"' => at = end_of_string(bytes, at)?,
            b'(' | b'[' | b'{' => {
                nesting += 1;
                at += 1;
            }
            b')' | b']' | b'}' => {
                nesting = nesting.saturating_sub(1);
                at += 1;
            }
            b'.' => at += bytes.iter().skip(at).take(3).take_while(|b| **b == b'.').count(),
            b if is_word(*b) => {
                let length = bytes.iter().skip(at).take_while(|b| is_word(**b)).count();
                within("nameLength", WORD, u64::try_from(length).unwrap_or(u64::MAX))?;
                at += length;
            }
            _ => at += 1,
        }
        tokens += 1;
        within("tokens", most, u64::try_from(tokens).unwrap_or(u64::MAX))?;
        within("nesting", NESTING, nesting)?;
    }
    Ok(tokens)
}

/// A name or a number. A number such as `-1.5` counts as up to three, which errs on the safe side.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn end_of_line(bytes: &[u8], from: usize) -> usize {
    from + bytes.iter().skip(from).take_while(|b| !matches!(b, b'\n' | b'\r')).count()
}

/// Behind the string that begins at `from`. One that is not closed ends with its line, as brackets behind it must count.
fn end_of_string(bytes: &[u8], from: usize) -> Result<usize, Refused> {
    let block = bytes.get(from..).is_some_and(|rest| rest.starts_with(b"\"\"\""));
    let mut at = from + if block { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        match byte {
            b'\\' if block && rest.starts_with(b"\\\"\"\"") => at += 4,
            b'"' if block && rest.starts_with(b"\"\"\"") => return Ok(at + 3),
            _ if block => at += 1,
            b'\\' => at += 2,
            b'"' => return Ok(at + 1),
            b'\n' | b'\r' => return Ok(at),
            _ => at += 1,
        }
    }
    if block {
        return Err(Refused::Syntax(say("Syntax error: a block string has no end", "语法错误：块字符串没有结束")));
    }
    Ok(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::{super::TooMuch, *};

    fn tokens(text: &str) -> u64 {
        (0..).find(|most| check(text, *most).is_ok()).unwrap()
    }

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        for (text, count) in [
            ("", 0),
            ("{ a }", 3),
            ("{a,b,c}", 5),
            ("query Q($a: Int! = 1) { a(x: $a) ...F }", 22),
            ("{ a(x: \"}}}} # \\\" ]\") } # a comment with words", 8),
            ("{ a(x: \"\"\"block \" \\\"\"\" text\"\"\") }", 8),
        ] {
            assert_eq!(tokens(text), count, "{text}");
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_nest_and_others_do() {
        let deep = "[".repeat(1_000);
        assert!(check(&format!("{{ a(x: \"{deep}\") }} # {deep}"), 100).is_ok());
        for text in [format!("{{ a(x: {deep}"), format!("{{ a(x: \"\n{deep}"), "{a".repeat(1_000), format!("{{ a(x: \"\\\"\" {deep}")] {
            assert!(matches!(check(&text, 5_000), Err(Refused::TooMuch(TooMuch { limit: "nesting", .. }))), "{text}");
        }
    }

    #[test]
    fn a_block_string_without_an_end_and_an_overlong_name_are_refused() {
        // Each unit opens a block string that the parser would look for to the end of the text.
        let units = format!("{{ a(x: [{}]) }}", "\"\\\\\"\"\"\" \" ".repeat(999));
        assert!(matches!(check(&units, 50_000), Err(Refused::Syntax(_))));
        assert!(matches!(check(&"n".repeat(201), 5), Err(Refused::TooMuch(TooMuch { limit: "nameLength", .. }))));
    }
}
