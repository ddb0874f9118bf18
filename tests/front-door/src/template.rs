//! Reads `infra/template.yaml`, the one source of names, routes, limits and environment.
//!
//! With saphyr: it is kept up, and leaves CloudFormation's tags (`!Ref`, `!Sub`, `!GetAtt`) as they are.

mod stream;

use saphyr::{LoadableYamlNode, Yaml};
use std::collections::BTreeMap;

pub use stream::Stream;

/// A function as the template has it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its logical name, `Pull`.
    pub name: String,
    /// The last part of `CodeUri`, `pull`.
    pub binary: String,
    pub memory_mb: i64,
    pub timeout_seconds: u64,
    pub environment: BTreeMap<String, String>,
    /// `(method, path)`, `("GET", "/v2/{proxy+}")`.
    pub routes: Vec<(String, String)>,
    /// Prefix and suffix of the keys whose creation it is told.
    pub objects: Vec<(String, String)>,
    pub stream: Option<Stream>,
    pub scheduled: bool,
    /// Retries of an invocation nobody waits for. Lambda's default is 2.
    pub async_retries: u64,
}

/// What the template's references stand for.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pub bucket: String,
    pub table: String,
    /// Parameters of the template that are not to have their default.
    pub parameters: BTreeMap<String, String>,
}

/// All functions of the template.
///
/// # Errors
/// Says what is missing, and where.
pub fn read(text: &str, values: &Values) -> Result<Vec<Spec>, String> {
    let documents =
        Yaml::load_from_str(text).map_err(|error| format!("the template is not YAML: {error}"))?;
    let root = documents.first().ok_or("the template is empty")?;
    let resources = get(root, "Resources").and_then(mapping).ok_or("the template has no Resources")?;
    let globals = path(root, &["Globals", "Function"]);
    let names = Names { root, values };
    let mut specs = Vec::new();
    for (name, resource) in resources {
        if get(resource, "Type").and_then(text_of).as_deref() == Some("AWS::Serverless::Function") {
            let name = text_of(name).ok_or("a resource's name is not a text")?;
            specs.push(
                function(&name, resource, globals, &names).map_err(|error| format!("{name}: {error}"))?,
            );
        }
    }
    if specs.is_empty() {
        return Err("the template has no AWS::Serverless::Function".to_owned());
    }
    Ok(specs)
}

fn function(name: &str, resource: &Yaml, globals: Option<&Yaml>, names: &Names) -> Result<Spec, String> {
    let properties = get(resource, "Properties").ok_or("it has no Properties")?;
    let own_or_global = |key: &str| get(properties, key).or_else(|| globals.and_then(|all| get(all, key)));
    let number = |key: &str| own_or_global(key).and_then(number_of);
    let code = get(properties, "CodeUri").and_then(text_of).ok_or("it has no CodeUri")?;
    let mut spec = Spec {
        name: name.to_owned(),
        binary: code.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned(),
        memory_mb: number("MemorySize").unwrap_or(128),
        timeout_seconds: number("Timeout").and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(3),
        environment: BTreeMap::new(),
        routes: Vec::new(),
        objects: Vec::new(),
        stream: None,
        scheduled: false,
        async_retries: path(properties, &["EventInvokeConfig", "MaximumRetryAttempts"])
            .and_then(number_of)
            .map_or(2, |retries| retries.max(0) as u64),
    };
    for holder in [globals, Some(properties)].into_iter().flatten() {
        for (key, value) in
            path(holder, &["Environment", "Variables"]).and_then(mapping).into_iter().flatten()
        {
            let key = text_of(key).ok_or("a variable's name is not a text")?;
            let value = names.resolve(value).map_err(|error| format!("{key}: {error}"))?;
            spec.environment.insert(key, value);
        }
    }
    for (_, event) in get(properties, "Events").and_then(mapping).into_iter().flatten() {
        let kind = get(event, "Type").and_then(text_of).ok_or("an event has no Type")?;
        let of = |key: &str| path(event, &["Properties", key]);
        let text = |key: &str| of(key).and_then(text_of);
        match kind.as_str() {
            "HttpApi" => spec.routes.push((
                text("Method").ok_or("a route has no Method")?.to_uppercase(),
                text("Path").ok_or("a route has no Path")?,
            )),
            "S3" => spec.objects.push(key_filter(event)?),
            "DynamoDB" => spec.stream = Some(stream::read(event)?),
            "Schedule" | "ScheduleV2" => spec.scheduled = true,
            other => return Err(format!("the front door does not know events of Type {other}")),
        }
    }
    Ok(spec)
}

fn key_filter(event: &Yaml) -> Result<(String, String), String> {
    let (mut prefix, mut suffix) = (String::new(), String::new());
    for rule in
        path(event, &["Properties", "Filter", "S3Key", "Rules"]).and_then(Yaml::as_vec).into_iter().flatten()
    {
        let value = get(rule, "Value").and_then(text_of).ok_or("a filter has no Value")?;
        match get(rule, "Name").and_then(text_of).unwrap_or_default().as_str() {
            "prefix" => prefix = value,
            "suffix" => suffix = value,
            other => return Err(format!("a filter by {other:?}: S3 has prefix and suffix only")),
        }
    }
    Ok((prefix, suffix))
}

struct Names<'a> {
    root: &'a Yaml<'a>,
    values: &'a Values,
}

impl Names<'_> {
    fn resolve(&self, value: &Yaml) -> Result<String, String> {
        if let Yaml::Tagged(tag, inner) = value {
            let name = text_of(inner).unwrap_or_default();
            return match tag.suffix.as_str() {
                "Ref" => self.reference(&name),
                other => Err(format!("the front door resolves !Ref only, not !{other}")),
            };
        }
        text_of(value).ok_or_else(|| "its value is neither a text nor !Ref".to_owned())
    }

    fn reference(&self, name: &str) -> Result<String, String> {
        let resource = path(self.root, &["Resources", name]);
        match resource.and_then(|resource| get(resource, "Type")).and_then(text_of).as_deref() {
            Some("AWS::S3::Bucket") => return Ok(self.values.bucket.clone()),
            Some("AWS::DynamoDB::Table") => return Ok(self.values.table.clone()),
            _ => {}
        }
        if let Some(value) = self.values.parameters.get(name) {
            return Ok(value.clone());
        }
        // The bucket's name is a parameter, since its notifications name a function (see the template).
        if name == "BucketName" {
            return Ok(self.values.bucket.clone());
        }
        path(self.root, &["Parameters", name, "Default"]).and_then(text_of).ok_or_else(|| {
            format!("!Ref {name} is neither the bucket, the table nor a parameter with a default")
        })
    }
}

fn get<'a>(node: &'a Yaml<'a>, key: &str) -> Option<&'a Yaml<'a>> {
    node.as_mapping_get(key)
}

fn path<'a>(node: &'a Yaml<'a>, keys: &[&str]) -> Option<&'a Yaml<'a>> {
    keys.iter().try_fold(node, |node, key| get(node, key))
}

fn mapping<'a>(node: &'a Yaml<'a>) -> Option<Vec<(&'a Yaml<'a>, &'a Yaml<'a>)>> {
    node.as_mapping().map(|all| all.iter().collect())
}

fn number_of(node: &Yaml) -> Option<i64> {
    node.as_integer()
}

fn text_of(node: &Yaml) -> Option<String> {
    node.as_str()
        .map(str::to_owned)
        .or_else(|| node.as_integer().map(|number| number.to_string()))
        .or_else(|| node.as_bool().map(|truth| truth.to_string()))
}
