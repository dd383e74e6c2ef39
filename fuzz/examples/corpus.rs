//! Writes what each target begins with into `corpus/TARGET/`.

fn main() -> std::io::Result<()> {
    for (target, seeds) in xacct_sign_fuzz::seeds() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.into_iter().enumerate() {
            std::fs::write(folder.join(number.to_string()), seed)?;
        }
    }
    Ok(())
}
