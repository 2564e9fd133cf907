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
        .executable(name: "bobbin-receiver", targets: ["Receiver"]),
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
        .systemLibrary(name: "CUnbound", pkgConfig: "libunbound", providers: [.apt(["libunbound-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),

        // Tier 0
        module("Bytes", []),
        // Tier 1
        module("Spooler", ["Bytes", "CLinux"]),
        module("MailText", ["Bytes", "CPCRE2"]),
        module("DNS", ["Bytes", "CUnbound"]),
        module("OpenSSL", ["Bytes", "COpenSSL"]),
        module("EximLog", ["Bytes"]),
        module("Hints", ["Bytes", grdb]),
        // Tier 2
        module("SMTP", ["Bytes", "MailText"]),
        module("Lookups", ["Bytes", "MailText", "DNS"]),
        // Tier 3
        module("Expansion", ["Bytes", "MailText", "OpenSSL", "Lookups"]),
        // Tier 4
        module("Configuration", ["Bytes", "MailText", "Expansion"]),
        // Tier 5
        module("Routing", ["Bytes", "MailText", "DNS", "Hints", "Expansion", "Configuration"]),
        // Tier 6
        module(
            "Transports",
            [
                "Bytes", "MailText", "DNS", "Hints", "SMTP", "Expansion", "Configuration", "Routing",
                "Spooler", "CLinux", nioCore, nioPosix, subprocess,
            ]),
        // Tier 7
        module("ACL", ["Bytes", "Expansion", "Configuration"]),
        // Tier 8
        module(
            "MailSystem",
            [
                "Bytes", "MailText", "DNS", "EximLog", "Hints", "Lookups", "Spooler", "Expansion",
                "Configuration", "Routing", "ACL",
            ]),
        // Tier 9: programs
        program(
            "Receiver",
            [
                "Bytes", "MailText", "EximLog", "SMTP", "Spooler", "Expansion", "Configuration",
                "ACL", "MailSystem", argumentParser, nioCore, nioPosix, subprocess,
            ]),

        // Tests
        tests("Bytes", ["Bytes"]),
        .target(name: "TestKit", dependencies: ["Bytes"], path: "Tests/TestKit", swiftSettings: house),
        tests("System", ["Bytes", "TestKit"]),
    ]
)
