//! Migrations are compiled into the program: a new one must rebuild it. So is the widget, without what is for us alone: every visitor of a
//! shop fetches it.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use oxc::allocator::Allocator;
use oxc::codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc::minifier::{Minifier, MinifierOptions};
use oxc::parser::Parser;
use oxc::span::SourceType;

const WIDGET: &str = "static/widget";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=locales");
    println!("cargo:rerun-if-changed={WIDGET}");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("widget");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    for file in fs::read_dir(WIDGET)? {
        let path = file?.path();
        let small = match path.extension().and_then(|end| end.to_str()) {
            Some("js") => script(&path, &fs::read_to_string(&path)?)?,
            Some("css") => style(&fs::read_to_string(&path)?),
            _ => continue,
        };
        fs::write(out.join(path.file_name().ok_or("a file without a name")?), small)?;
    }
    Ok(())
}

/// A script with short names for what is its own, and nothing that only people read.
fn script(path: &Path, text: &str) -> Result<String, String> {
    let allocator = Allocator::default();
    // The loader runs in the shop's page, as any script that knows no modules; everything else imports and exports.
    let module = path.file_stem().is_some_and(|name| name != "loader");
    let kind = if module { SourceType::mjs() } else { SourceType::script() };
    let parsed = Parser::new(&allocator, text, kind).parse();
    if !parsed.diagnostics.is_empty() {
        return Err(format!("{}: {:?}", path.display(), parsed.diagnostics));
    }
    let mut program = parsed.program;
    let minified = Minifier::new(MinifierOptions::default()).minify(&allocator, &mut program);
    let options = CodegenOptions { minify: true, comments: CommentOptions::disabled(), ..CodegenOptions::default() };
    Ok(Codegen::new().with_options(options).with_scoping(minified.scoping).build(&program).code)
}

/// A style sheet without indentation and lines that are comments.
fn style(text: &str) -> String {
    let comment = |line: &&str| line.starts_with("/*") && line.ends_with("*/") && line.matches("*/").count() == 1;
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !comment(line)).collect()
}
