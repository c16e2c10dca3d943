//! The NuGet package, used as .NET and .NET Framework use it.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::archive::{archives, opens_a_shift, unpack, VERSION};
use crate::support::dotnet::{compile, folder, fresh, runtimes};
use crate::support::tools::{self, run};

fn package(name: &str) -> Option<PathBuf> {
    let file = archives()?.join(format!("LifePay.{VERSION}.nupkg"));
    // Python does not recognize a ZIP by this name.
    let zip = fresh(&format!("nuget-{name}")).join("package.zip");
    fs::copy(file, &zip).expect("a copy");
    Some(unpack(&zip, &format!("nuget-{name}-unpacked")))
}

fn copy_folder(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-r").arg(from).arg(to));
}

/// The SDK puts the assembly and the folder `runtimes` beside a program that runs on any processor.
#[test]
fn a_program_of_dotnet_takes_the_package() {
    let (Some(package), Some(program)) = (
        package("core"),
        compile(&folder().join("examples/OpenShift.cs"), "nuget-program"),
    ) else {
        return;
    };
    let beside = program.parent().expect("a folder");
    let assembly = package.join("lib/netstandard2.0/LifePay.dll");
    fs::copy(assembly, beside.join("LifePay.dll")).expect("a copy");
    copy_folder(&package.join("runtimes"), beside);
    for runtime in runtimes() {
        opens_a_shift(&mut runtime.command(&program));
    }
}

const PROJECT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<Project ToolsVersion="4.0" xmlns="http://schemas.microsoft.com/developer/msbuild/2003">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <AssemblyName>Till</AssemblyName>
    <OutputPath>out\</OutputPath>
    <TargetFrameworkVersion>v4.5</TargetFrameworkVersion>
    <!-- Debian has no assemblies to refer to but those that run. -->
    <AddAdditionalExplicitAssemblyReferences>false</AddAdditionalExplicitAssemblyReferences>
  </PropertyGroup>
  <ItemGroup>
    <Reference Include="mscorlib"><HintPath>/usr/lib/mono/4.5/mscorlib.dll</HintPath></Reference>
    <Reference Include="LifePay"><HintPath>package/lib/net461/LifePay.dll</HintPath></Reference>
    <Compile Include="Till.cs" />
  </ItemGroup>
  <Import Project="$(MSBuildToolsPath)\Microsoft.CSharp.targets" />
  <Import Project="package\build\net461\LifePay.targets" />
</Project>
"#;

/// .NET Framework does not support the folder `runtimes`, so the package's targets copy the DLLs.
#[test]
fn a_project_of_dotnet_framework_takes_the_package() {
    let Some(package) = package("framework") else {
        return;
    };
    if !tools::have("xbuild") {
        return;
    }
    let folder = fresh("nuget-project");
    copy_folder(&package, &folder.join("package"));
    fs::write(folder.join("Till.csproj"), PROJECT).expect("it can be written");
    let program = "static class Till { static void Main() { System.Console.WriteLine(\
                   typeof(LifePay.Outbox)); } }";
    fs::write(folder.join("Till.cs"), program).expect("it can be written");
    run(Command::new("xbuild")
        .arg("Till.csproj")
        .current_dir(&folder));
    for machine in ["x86", "x64"] {
        let built = folder.join(format!("out/{machine}/lifepay.dll"));
        let native = package.join(format!("runtimes/win-{machine}/native/lifepay.dll"));
        assert!(fs::read(built).unwrap() == fs::read(native).unwrap());
    }
    run(Command::new("mono").arg(folder.join("out/Till.exe")));
}
