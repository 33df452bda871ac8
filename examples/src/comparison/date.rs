use std::time::{SystemTime, UNIX_EPOCH};

/// Today's date in UTC, as `2020-02-29`.
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let days = since.map_or(0, |since| since.as_secs() / 86_400);
    date(days)
}

/// The date of a day that is counted from 1970-01-01, in the Gregorian calendar. Years are counted from
/// March here, so that the day that some of them have more is their last.
fn date(days: u64) -> String {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    // 0000-03-01 was that many days before 1970-01-01
    let days = days + 719_468;
    let (cycles, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // months from March have 31, 30, 31, 30, 31 days, again and again
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (year + 400 * cycles, month + 3),
        _ => (year + 400 * cycles + 1, month - 9),
    };
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every day of 250 years, counted one by one.
    #[test]
    fn dates_follow_each_other() {
        let leap = |year: u64| {
            let by = |years| year.is_multiple_of(years);
            by(4) && (!by(100) || by(400))
        };
        let mut days = 0;
        for year in 1970..2220 {
            let february = if leap(year) { 29 } else { 28 };
            let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            for (month, length) in lengths.into_iter().enumerate() {
                for day in 1..=length {
                    let want = format!("{year:04}-{:02}-{day:02}", month + 1);
                    assert_eq!(date(days), want);
                    days += 1;
                }
            }
        }
    }
}
