//! Exact arithmetic of figures: rates of four decimals, halves to even; percentiles that interpolate linearly.

/// A whole number as a float; exact up to 2⁵³.
pub fn float(n: i64) -> f64 {
    let high = i32::try_from(n >> 32).unwrap_or(0);
    let low = u32::try_from(n & 0xFFFF_FFFF).unwrap_or(0);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// `numerator / denominator` with four decimals, halves to even; none without a denominator.
pub fn rate(numerator: i64, denominator: i64) -> Option<f64> {
    if denominator == 0 {
        return None;
    }
    let sign = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    let (n, d) = (u128::from(numerator.unsigned_abs()) * 10_000, u128::from(denominator.unsigned_abs()));
    let (mut quotient, rest) = (n / d, n % d);
    if rest * 2 > d || rest * 2 == d && quotient % 2 == 1 {
        quotient += 1;
    }
    Some(float(sign * i64::try_from(quotient).unwrap_or(i64::MAX)) / 10_000.0)
}

/// The percentile of sorted values, in tenths (5 is the median, 9 the 90th): linear between the two nearest ranks.
pub fn percentile(sorted: &[i64], tenths: usize) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? * tenths;
    let low = *sorted.get(place / 10)?;
    let high = sorted.get(place / 10 + 1).copied().unwrap_or(low);
    let part = i64::try_from(place % 10).ok()?;
    Some(float(low * 10 + (high - low) * part) / 10.0)
}

/// The middle of unsorted values.
pub fn median(values: &[i64]) -> Option<f64> {
    percentile_of(values, 5)
}

/// A percentile of unsorted values.
pub fn percentile_of(values: &[i64], tenths: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    percentile(&sorted, tenths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_round_to_even() {
        for (n, d, want) in [(1, 3, 0.3333), (2, 3, 0.6667), (1, 20_000, 0.0), (3, 20_000, 0.0002), (-1, 3, -0.3333), (5, -2, -2.5)] {
            assert_eq!(rate(n, d), Some(want), "{n}/{d}");
        }
        assert_eq!(rate(1, 0), None);
    }

    #[test]
    fn percentiles_interpolate() {
        assert_eq!((median(&[]), median(&[7]), median(&[1, 2]), median(&[3, 1, 2])), (None, Some(7.0), Some(1.5), Some(2.0)));
        let ten: Vec<i64> = (1..=10).collect();
        assert_eq!(percentile(&ten, 9), Some(9.1));
        assert_eq!(percentile(&[-10, 0], 9), Some(-1.0));
    }

    proptest! {
        #[test]
        fn a_percentile_lies_within_and_grows(mut values in proptest::collection::vec(-100_000i64..100_000, 1..50)) {
            values.sort_unstable();
            let found: Vec<f64> = (0..=10).map(|tenths| percentile(&values, tenths).unwrap()).collect();
            prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert_eq!((found[0], found[10]), (float(values[0]), float(*values.last().unwrap())));
        }

        #[test]
        fn floats_of_whole_numbers_are_exact(n in -9_007_199_254_740_992i64..9_007_199_254_740_992) {
            prop_assert_eq!(format!("{:.0}", float(n)), n.to_string().replace("-0", "0"));
        }
    }
}
