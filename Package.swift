// swift-tools-version: 6.2
import PackageDescription

/// The settings of every Swift target.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

/// A module of `Sources/`, and what it may import (doc/architecture.md holds the law; scripts/lint compares).
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

/// A program.
func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: house)
}

/// The tests of a module, in `Tests/<Module>Tests`.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, swiftSettings: house)
}

let package = Package(
    name: "bobbin",
    products: [
        .library(name: "Spooler", targets: ["Spooler", "Bytes"]),
        .executable(name: "bobbin", targets: ["Bobbin"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CUnbound", pkgConfig: "libunbound", providers: [.apt(["libunbound-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        module("Bytes", []),
        module("Spooler", ["Bytes", "CLinux"]),
        module("MailText", ["Bytes", "CPCRE2"]),
        module("DNS", ["Bytes", "CUnbound"]),
        module("OpenSSL", ["Bytes", "COpenSSL"]),
        module("EximLog", ["Bytes"]),
        module("Lookups", ["Bytes", "MailText", "DNS"]),
        module("Expansion", ["Bytes", "MailText", "OpenSSL", "Lookups", "CCrypt"]),
        module("Configuration", ["Bytes", "MailText", "Expansion"]),
        .target(name: "MailSystem", dependencies: ["Bytes", "Configuration", "Spooler"], sources: ["ConfigurationSource.swift", "MailUser.swift", "StartError.swift"], swiftSettings: house),
        program(
            "Bobbin",
            [
                "Bytes", "MailText", "EximLog", "Spooler", "Expansion", "Configuration", "Lookups",
                "MailSystem", argumentParser,
            ], path: "Sources/Tools/Bobbin"),
        tests("Bobbin", ["Bobbin", "Bytes", "Spooler", "Configuration", "EximLog", "MailSystem"]),
    ]
)
