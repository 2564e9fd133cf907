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
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
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
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, exclude: exclude, swiftSettings: house)
}

let package = Package(
    name: "bobbin",
    products: [
        .library(name: "Spooler", targets: ["Spooler", "Bytes"]),
        .executable(name: "bobbin", targets: ["Bobbin"]),
        .executable(name: "bobbin-receiver", targets: ["Receiver"]),
        .executable(name: "bobbin-queuerunner", targets: ["QueueRunner"]),
        .executable(name: "bobbin-deliver-local", targets: ["DeliverLocal"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "CCrypt", providers: [.apt(["libcrypt-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CUnbound", providers: [.apt(["libunbound-dev"])]),
        .systemLibrary(name: "CIDN2", pkgConfig: "libidn2", providers: [.apt(["libidn2-dev"])]),
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CPostgreSQL", providers: [.apt(["libpq-dev"])]),

        // Tier 0
        module("Bytes", []),
        // Tier 1
        module("Spooler", ["Bytes", "CLinux", "CZlib"]),
        module("MailText", ["Bytes", "CPCRE2", "CIDN2"]),
        module("DNS", ["Bytes", "CUnbound"]),
        module("OpenSSL", ["Bytes", "COpenSSL"]),
        module("EximLog", ["Bytes"]),
        module("ChildPrograms", ["Bytes", "CLinux"]),
        module("Redis", ["Bytes", "CHiredis"]),
        module("PostgreSQL", ["Bytes", "CPostgreSQL"]),
        // Tier 2
        module("Hints", ["Bytes", "Redis", grdb]),
        module("SMTP", ["Bytes", "MailText"]),
        module("Lookups", ["Bytes", "MailText", "DNS", "PostgreSQL", "Redis", grdb]),
        module("DMARCReports", ["Bytes", "MailText", "PostgreSQL", "CZlib", grdb]),
        module("PolicyChecks", ["Bytes", "MailText", "DNS", "OpenSSL"]),
        // Tier 3
        module("Expansion", ["Bytes", "MailText", "OpenSSL", "Lookups", "CCrypt"]),
        // Tier 4
        module("Configuration", ["Bytes", "MailText", "OpenSSL", "EximLog", "Expansion"]),
        module("Filter", ["Bytes", "MailText", "Expansion"]),
        // Tier 5
        module(
            "Routing", ["Bytes", "MailText", "DNS", "Hints", "Expansion", "Configuration", "Filter"]),
        // Tier 6
        module(
            "Transports",
            [
                "Bytes", "MailText", "DNS", "OpenSSL", "ChildPrograms", "Hints", "SMTP", "Expansion",
                "Configuration",
                "Filter", "PolicyChecks", "Routing", "CLinux",
            ]),
        // Tier 7
        module(
            "ACL",
            [
                "Bytes", "MailText", "OpenSSL", "EximLog", "Hints", "Lookups", "SMTP", "PolicyChecks",
                "Expansion", "Configuration",
                "Routing",
            ]),
        // Tier 8
        module(
            "MailSystem",
            [
                "Bytes", "MailText", "DNS", "OpenSSL", "EximLog", "ChildPrograms", "Hints", "Lookups", "SMTP",
                "PolicyChecks", "Spooler", "Expansion", "Configuration", "Routing", "Transports", "ACL",
                "DMARCReports",
            ]),
        // Tier 9: programs
        program(
            "Receiver",
            [
                "Bytes", "MailText", "OpenSSL", "EximLog", "ChildPrograms", "SMTP", "Spooler", "Expansion",
                "Configuration",
                "PolicyChecks", "Routing", "ACL", "MailSystem", argumentParser, nioCore, nioPosix,
            ]),
        program(
            "QueueRunner",
            [
                "Bytes", "MailText", "EximLog", "ChildPrograms", "Hints", "SMTP", "Spooler", "Expansion",
                "Configuration", "Filter", "Routing", "Transports", "MailSystem", argumentParser, subprocess,
                systemPackage,
            ]),
        program(
            "Bobbin",
            [
                "Bytes", "MailText", "EximLog", "ChildPrograms", "Spooler", "OpenSSL", "Hints", "Expansion",
                "Configuration", "Filter", "Routing", "ACL", "MailSystem", "DNS", "DMARCReports",
                argumentParser, subprocess,
                systemPackage,
            ], path: "Sources/Tools/Bobbin"),
        program("DeliverLocal", ["Bytes", "Transports", argumentParser], path: "Sources/Tools/DeliverLocal"),

        // Tests
        .target(
            name: "TestKit", dependencies: ["Bytes", "OpenSSL"], path: "Tests/TestKit", exclude: ["Peers"],
            swiftSettings: house),
        tests("Bytes", ["Bytes", "TestKit"]),
        tests("Spooler", ["Bytes", "Spooler", "TestKit"], exclude: ["Fixtures"]),
        tests("MailText", ["Bytes", "MailText", "TestKit"], exclude: ["Fixtures"]),
        tests("EximLog", ["Bytes", "EximLog", "TestKit"], exclude: ["Fixtures"]),
        tests("ChildPrograms", ["Bytes", "ChildPrograms", "TestKit"]),
        tests("SMTP", ["Bytes", "MailText", "SMTP", "TestKit"], exclude: ["Fixtures"]),
        tests("DNS", ["Bytes", "DNS", "TestKit"]),
        tests("Hints", ["Bytes", "Hints", "OpenSSL", "Redis", "TestKit", grdb], exclude: ["Fixtures"]),
        tests("DMARCReports", ["Bytes", "MailText", "DMARCReports", "TestKit", grdb], exclude: ["Fixtures"]),
        tests("OpenSSL", ["Bytes", "OpenSSL", "TestKit"], exclude: ["Fixtures"]),
        tests("PolicyChecks", ["Bytes", "DNS", "OpenSSL", "PolicyChecks", "TestKit"], exclude: ["Fixtures"]),
        tests("Lookups", ["Bytes", "DNS", "Lookups", "TestKit"]),
        tests("Expansion", ["Bytes", "DNS", "Lookups", "Expansion", "TestKit"], exclude: ["Fixtures"]),
        tests("Configuration", ["Bytes", "Expansion", "Configuration", "TestKit"]),
        tests("Filter", ["Bytes", "Expansion", "Filter", "TestKit"]),
        tests(
            "Routing",
            [
                "Bytes", "MailText", "DNS", "Hints", "Lookups", "Expansion", "Configuration", "Routing",
                "TestKit",
            ], exclude: ["Fixtures"]),
        tests("Transports", ["Bytes", "Hints", "Transports", "TestKit"]),
        tests("ACL", ["Bytes", "EximLog", "Hints", "Expansion", "Configuration", "ACL", "TestKit"]),
        tests(
            "Receiver",
            [
                "Bytes", "MailText", "Spooler", "Expansion", "Configuration", "ACL", "MailSystem", "Receiver",
                "TestKit",
            ]),
        tests("System", ["Bytes", "TestKit"], exclude: ["Fixtures"]),
        tests(
            "Reception", ["Bytes", "OpenSSL", "TestKit"],
            exclude: ["Fixtures", "Scanners", "Cutthrough", "DMARC"]),
        tests("Robustness", ["Bytes", "TestKit"], exclude: ["Fixtures"]),
        tests("Delivery", ["Bytes", "OpenSSL", "TestKit"], exclude: ["Fixtures"]),
        tests(
            "Bobbin",
            ["Bobbin", "Bytes", "Hints", "Spooler", "MailSystem", "DMARCReports", "Redis", "TestKit"],
            exclude: ["Fixtures"]),
    ]
)
