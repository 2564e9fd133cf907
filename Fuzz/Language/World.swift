// What the entries of this folder expand strings in: nothing is run, nobody is asked, no file is read.
internal import Bytes
internal import Dispatch
internal import Expansion
internal import Lookups

enum World {
    static let environment: Environment = {
        var environment = Environment()
        environment.forbidden = [.readfile, .exists, .dlfunc, .perl]
        environment.runProgram = { _ in ProgramOutcome(output: "ran", status: 0) }
        environment.namedLists.domain["named"] = ListText("*.example : !x.example")
        environment.namedLists.host["named"] = ListText("10.0.0.0/8 : *.example")
        environment.namedLists.address["named"] = ListText("*@example.org")
        environment.namedLists.localPart["named"] = ListText("^a+\\$")
        environment.namedLists.domain["loop"] = ListText("+loop")
        environment.localInterfaces = { ["10.1.2.3"] }
        return environment
    }()

    static let facts: Facts = {
        var facts = Facts()
        facts.extra["acl_c_x"] = "a : b"
        return facts
    }()
}

/// Waits for what must be awaited: libFuzzer calls no asynchronous functions.
func awaiting<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value {
    let (done, box) = (DispatchSemaphore(value: 0), Box<Value>())
    Task.detached {
        box.value = await body()
        done.signal()
    }
    done.wait()
    guard let value = box.value else { preconditionFailure("the task gives its value before it signals") }
    return value
}

/// Unchecked: written before the signal, read after it.
private final class Box<Value>: @unchecked Sendable {
    var value: Value?
}
