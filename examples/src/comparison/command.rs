/// The command line without where files are, which no figure depends on.
pub fn without_folders(mut all: impl Iterator<Item = String>) -> String {
    const FOLDERS: [&str; 3] = ["--data-dir", "--out", "--results"];
    let mut kept = Vec::new();
    while let Some(argument) = all.next() {
        let name = argument.split('=').next().unwrap_or_default();
        match FOLDERS.contains(&name) {
            true if name == argument => drop(all.next()),
            true => {}
            false if argument.contains(' ') => kept.push(format!("'{argument}'")),
            false => kept.push(argument),
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_files_are_left_out_of_the_command() {
        let all = "ssvae --data-dir /data --seeds 1,2 --out=here --set".split(' ');
        let all = all.map(str::to_string).chain(["lr=0.1 ".to_string()]);
        assert_eq!(without_folders(all), "ssvae --seeds 1,2 --set 'lr=0.1 '");
    }
}
