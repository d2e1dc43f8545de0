//! `component-build <module.wasm> <component.wasm>`

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [module, component] = arguments.as_slice() else {
        eprintln!("usage: component-build <module.wasm> <component.wasm>");
        return ExitCode::from(2);
    };
    let built = std::fs::read(module)
        .map_err(|e| e.to_string())
        .and_then(|bytes| component_build::componentize(&bytes))
        .and_then(|bytes| std::fs::write(component, bytes).map_err(|e| e.to_string()));
    match built {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("component-build: {}: {message}", module.display());
            ExitCode::FAILURE
        }
    }
}
