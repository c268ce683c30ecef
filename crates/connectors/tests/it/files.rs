//! The folder connector: what it reads, what it leaves out, and that nothing leads out of it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use connector_sdk::{ConnectorError, Context};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Allow, Synced, call, connector, context, sync};

/// A folder that the operator allows, with a secret beside it.
pub(crate) struct Tree {
    _home: TempDir,
    pub(crate) root: std::path::PathBuf,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let root = home.path().join("allowed");
        fs::create_dir(&root).expect("a directory");
        fs::write(home.path().join("secret.txt"), "the crown jewels").expect("a file");
        Self { _home: home, root }
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn context(&self) -> Context {
        self.context_with(&json!({}))
    }

    pub(crate) fn context_with(&self, more: &Value) -> Context {
        let mut config = json!({"root": self.root});
        for (name, value) in more.as_object().expect("an object") {
            config[name] = value.clone();
        }
        connector("files").manifest().validate_config(&config).expect("valid settings");
        context(config, None, self.allow())
    }

    fn allow(&self) -> Allow {
        Allow { file_roots: vec![self.root.clone()], ..Allow::default() }
    }
}

async fn synced(cx: &Context) -> Synced {
    let mut synced = Synced::default();
    sync(connector("files"), cx, &mut synced).await.expect("a sync");
    synced
}

fn ids(synced: &Synced) -> Vec<&str> {
    synced.replica.documents().map(|document| document.external_id.as_str()).collect()
}

async fn refused_root(root: &Path, allow: Allow) -> String {
    let cx = context(json!({"root": root}), None, allow);
    let start = connector_sdk::SyncStart::default();
    match connector("files").sync().expect("it syncs").read_page(&cx, &start).await {
        Err(ConnectorError::Config { field, message }) => {
            assert_eq!(field, ["root"]);
            message
        }
        other => panic!("{} was not refused: {other:?}", root.display()),
    }
}

/// A PDF of one page with one line of text.
fn pdf(text: &str) -> Vec<u8> {
    let content = format!("BT /F1 24 Tf 72 700 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    file.extend(
        format!(
            "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
            objects.len() + 1
        )
        .bytes(),
    );
    file
}

#[tokio::test]
async fn text_of_every_kind_becomes_a_document() {
    let tree = Tree::new();
    tree.write("guide.md", "---\ntitle: not a heading\n---\n\nIntro\n\n# The `big` guide\n\nHello *there*.\n\n## Next\n");
    tree.write("page.html", "<html><head><title>A &amp; B</title><script>var hidden = 1</script></head><body><h1>Head</h1><p>Para <b>bold</b></p></body></html>");
    tree.write("paper.pdf", pdf("Quarterly figures"));
    tree.write("notes.txt", "\u{feff}plain words");
    tree.write("src/main.rs", "fn main() {}");
    let synced = synced(&tree.context()).await;
    assert_eq!(ids(&synced), ["guide.md", "notes.txt", "page.html", "paper.pdf", "src/main.rs"]);
    let get = |id: &str| synced.replica.get("files", id).expect("a document");
    assert_eq!(get("guide.md").title, "The big guide");
    assert!(get("guide.md").body.contains("Hello *there*."));
    assert_eq!(get("guide.md").mime_type, "text/markdown");
    let page = get("page.html");
    assert_eq!((page.title.as_str(), page.mime_type.as_str()), ("A & B", "text/html"));
    assert!(page.body.contains("Para bold") && !page.body.contains("hidden"), "{}", page.body);
    let paper = get("paper.pdf");
    assert!(paper.body.contains("Quarterly figures"), "{}", paper.body);
    assert_eq!((paper.title.as_str(), paper.mime_type.as_str()), ("paper.pdf", "application/pdf"));
    assert_eq!(get("notes.txt").body, "plain words");
    assert_eq!(get("src/main.rs").title, "main.rs");
    assert_eq!(get("src/main.rs").metadata["size"], 12);
    assert!(get("src/main.rs").source_updated_at.is_some());
}

#[tokio::test]
async fn binary_hidden_generated_and_oversized_files_are_left_out() {
    let tree = Tree::new();
    tree.write("kept.txt", "kept");
    tree.write("image.png", [0x89, b'P', b'N', b'G', 0, 0, 1]);
    tree.write("broken.pdf", "%PDF-1.7 this is no PDF");
    tree.write("empty.txt", "  \n");
    tree.write("deep.html", format!("{}deep{}", "<div>".repeat(100_000), "</div>".repeat(100_000)));
    tree.write("large.txt", "x".repeat(2_000_001));
    tree.write(".env", "PASSWORD=1");
    tree.write(".git/config", "secret");
    tree.write("node_modules/a/index.js", "x");
    tree.write("sub/target/out.txt", "x");
    let synced = synced(&tree.context_with(&json!({"max_bytes": 2_000_000}))).await;
    assert_eq!(ids(&synced), ["kept.txt"]);
}

#[tokio::test]
async fn include_patterns_choose_files() {
    let tree = Tree::new();
    for path in ["a.md", "b.txt", "deep/er/c.md", "deep/d.txt"] {
        tree.write(path, "text");
    }
    let synced = synced(&tree.context_with(&json!({"include": ["**/*.md", "deep/*.txt"]}))).await;
    assert_eq!(ids(&synced), ["a.md", "deep/d.txt", "deep/er/c.md"]);
    let cx = tree.context_with(&json!({"include": ["[a"]}));
    let report = connector("files").check(&cx).await.expect("a report");
    assert!(!report.is_ok() && report.items[0].message.contains("pattern"), "{report:?}");
}

#[tokio::test]
async fn many_files_come_in_pages_and_gone_ones_are_swept() {
    let tree = Tree::new();
    for index in 0..230 {
        tree.write(&format!("folder{}/file{index:03}.txt", index % 7), format!("number {index}"));
    }
    let cx = tree.context();
    let mut kept = synced(&cx).await;
    assert_eq!(kept.replica.len(), 230);
    assert_eq!(kept.upserted.len(), 230, "no file comes twice");
    fs::remove_file(tree.root.join("folder0/file000.txt")).expect("removed");
    fs::remove_dir_all(tree.root.join("folder3")).expect("removed");
    tree.write("folder1/new.txt", "new");
    sync(connector("files"), &cx, &mut kept).await.expect("a sync");
    assert!(kept.replica.get("files", "folder0/file000.txt").is_none());
    assert!(kept.replica.get("files", "folder1/new.txt").is_some());
    assert!(!ids(&kept).iter().any(|id| id.starts_with("folder3/")));
}

/// Whoever runs this as root may read it all the same, and then has to find what is in it.
#[tokio::test]
async fn folder_that_may_not_be_read_does_not_look_like_an_empty_one() {
    let tree = Tree::new();
    tree.write("a.md", "text");
    let cx = tree.context();
    let mut replica = synced(&cx).await;
    fs::set_permissions(&tree.root, Permissions::from_mode(0o000)).expect("permissions");
    let outcome = sync(connector("files"), &cx, &mut replica).await;
    fs::set_permissions(&tree.root, Permissions::from_mode(0o700)).expect("permissions");
    assert_eq!(ids(&replica), ["a.md"], "{:?}", outcome.err());
}

#[tokio::test]
async fn links_out_of_the_folder_are_skipped_and_links_inside_are_read() {
    let tree = Tree::new();
    tree.write("real/doc.txt", "inside");
    symlink("../secret.txt", tree.root.join("relative.txt")).expect("a link");
    symlink(
        tree.root.parent().expect("a parent").join("secret.txt"),
        tree.root.join("absolute.txt"),
    )
    .expect("a link");
    symlink("..", tree.root.join("up")).expect("a link");
    symlink("/etc", tree.root.join("etc")).expect("a link");
    symlink("real/doc.txt", tree.root.join("alias.txt")).expect("a link");
    symlink(".", tree.root.join("circle")).expect("a link");
    symlink("nowhere", tree.root.join("dangling.txt")).expect("a link");
    let synced = synced(&tree.context()).await;
    assert_eq!(ids(&synced), ["alias.txt", "real/doc.txt"]);
}

#[tokio::test]
async fn no_tool_call_leads_out_of_the_folder() {
    let tree = Tree::new();
    tree.write("ok.txt", "fine");
    tree.write(".hidden/x.txt", "hidden words");
    symlink("../secret.txt", tree.root.join("link.txt")).expect("a link");
    symlink("..", tree.root.join("up")).expect("a link");
    let cx = tree.context();
    let secret = tree.root.parent().expect("a parent").join("secret.txt");
    let attempts = [
        "../secret.txt",
        "ok/../../secret.txt",
        "./../secret.txt",
        "link.txt",
        "up/secret.txt",
        "up/allowed/../secret.txt",
        secret.to_str().expect("UTF-8"),
        "/etc/passwd",
        ".hidden/x.txt",
        "\0",
        "up/../up/secret.txt",
        "..%2fsecret.txt",
    ];
    for path in attempts {
        for (tool, arguments) in
            [("read_file", json!({"path": path})), ("list_files", json!({"path": path}))]
        {
            let outcome = call(connector("files"), &cx, tool, arguments).await;
            let is_refused = match &outcome {
                Ok(output) => output.is_error,
                Err(ConnectorError::InvalidArguments { .. }) => true,
                Err(_) => false,
            };
            let said = format!("{outcome:?}");
            assert!(is_refused, "{tool} {path}: {said}");
            assert!(!said.contains("jewels") && !said.contains("hidden words"), "{said}");
        }
    }
}

#[tokio::test]
async fn folders_that_the_operator_does_not_allow_are_refused_with_the_setting_to_change() {
    let tree = Tree::new();
    let outside = tree.root.parent().expect("a parent");
    let message = refused_root(outside, tree.allow()).await;
    assert!(message.contains("connectors.file_roots"), "{message}");
    let message = refused_root(Path::new("/etc"), tree.allow()).await;
    assert!(message.contains("connectors.file_roots"), "{message}");
    let message = refused_root(&tree.root, Allow::default()).await;
    assert!(message.contains("connectors.file_roots"), "{message}");
    // A name that only begins like an allowed one.
    let sibling = outside.join("allowed-not");
    fs::create_dir(&sibling).expect("a directory");
    let message = refused_root(&sibling, tree.allow()).await;
    assert!(message.contains("connectors.file_roots"), "{message}");
}

#[tokio::test]
async fn roots_with_dots_links_out_or_nothing_there_are_refused() {
    let tree = Tree::new();
    let message = refused_root(&tree.root.join("../../etc"), tree.allow()).await;
    assert!(message.contains(".."), "{message}");
    symlink("/etc", tree.root.join("etc")).expect("a link");
    let message = refused_root(&tree.root.join("etc"), tree.allow()).await;
    assert!(message.contains("may not open"), "{message}");
    let message = refused_root(&tree.root.join("nothing"), tree.allow()).await;
    assert!(message.contains("no such folder"), "{message}");
    tree.write("file.txt", "x");
    let message = refused_root(&tree.root.join("file.txt"), tree.allow()).await;
    assert!(message.contains("not a folder"), "{message}");
}

#[tokio::test]
async fn a_folder_below_an_allowed_one_keeps_its_own_bounds() {
    let tree = Tree::new();
    tree.write("mine/a.txt", "mine");
    tree.write("other/b.txt", "other words");
    symlink("../other/b.txt", tree.root.join("mine/steal.txt")).expect("a link");
    let cx = context(json!({"root": tree.root.join("mine")}), None, tree.allow());
    let synced = synced(&cx).await;
    assert_eq!(ids(&synced), ["a.txt"]);
}

#[tokio::test]
async fn long_files_are_read_in_parts_at_character_boundaries() {
    let tree = Tree::new();
    let text = "äöü€".repeat(50);
    tree.write("long.txt", &text);
    let cx = tree.context();
    let mut read = String::new();
    let mut offset = Some(0);
    while let Some(at) = offset {
        let arguments = json!({"path": "long.txt", "offset": at, "limit": 7});
        let output = call(connector("files"), &cx, "read_file", arguments).await.expect("read");
        read.push_str(&output.text);
        let structured = output.structured.expect("structured");
        assert_eq!(structured["total_bytes"], text.len());
        offset = structured["next_offset"].as_u64();
    }
    assert_eq!(read, text);
}

#[tokio::test]
async fn listing_goes_on_where_it_stopped() {
    let tree = Tree::new();
    for name in ["a.txt", "b.txt", "c.txt"] {
        tree.write(&format!("folder/{name}"), "x");
    }
    let cx = tree.context();
    let list = |arguments| call(connector("files"), &cx, "list_files", arguments);
    let top = list(json!({})).await.expect("a listing");
    assert_eq!(top.text, "folder/");
    let first = list(json!({"path": "folder/", "limit": 2})).await.expect("a listing");
    let first = first.structured.expect("structured");
    assert_eq!(first["entries"][1]["path"], "folder/b.txt");
    let rest = list(json!({"path": "folder", "after": first["next_after"]})).await;
    let rest = rest.expect("a listing").structured.expect("structured");
    assert_eq!(rest["entries"].as_array().expect("entries").len(), 1);
    assert_eq!(rest["next_after"], Value::Null);
}

#[tokio::test]
async fn long_bodies_are_cut_to_what_the_operator_allows() {
    let tree = Tree::new();
    tree.write("long.txt", "€".repeat(60_000));
    let synced = synced(&tree.context()).await;
    let document = synced.replica.get("files", "long.txt").expect("a document");
    assert_eq!(document.body.len(), 99_999);
    assert_eq!(document.metadata["truncated"], true);
}
