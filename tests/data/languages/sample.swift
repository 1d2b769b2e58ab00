// Licence.
import Foundation
@testable import struct Sample.Helper

let limit = 10
private var names: [String] = ["a", "b {"]

/// A shape; class and func are words here.
@objc(Shape)
public class Shape<T: Comparable>: Base, Named {
    public let name: String
    private(set) var sides = 3
    static let open = "}"

    var area: Double {
        get { return Double(sides) }
        set { sides = Int(newValue) }
    }

    public init(name: String, sides: Int = 3) {
        self.name = name
        super.init("\(sides > 1 ? "{" : "}")")
    }

    deinit {
        print("gone")
    }

    // about scale
    @discardableResult
    override func scale(by factor: Double, _ other: Int...) throws -> Shape<T> {
        guard factor > 0 else {
            throw Failure.negative("bad \(factor)")
        }
        return self
    }

    func text() -> String {
        return """
func notOne() {
    "\(name)"
"""
    }

    class func build(_ names: [String]) -> Shape { Shape(name: #"\"#) }

    subscript(index: Int) -> Int {
        return index
    }

    struct Part {
        var x: Int
        mutating func move() { x += 1 }
    }
}

protocol Named: AnyObject {
    associatedtype Item
    var name: String { get }
    func named() -> String
}

struct Point: Equatable {
    let x, y: Int
    func length() -> Double { sqrt(Double(x * x)) }
}

enum Color: String, CaseIterable {
    case red, green = "g"

    func bright() -> Bool { self == .red }
}

extension String: Named {
    func shout() -> String {
        return uppercased()
    }
}

actor Store {
    func load(url: URL) async throws -> Data? { try await fetch(url) }
}

typealias Handler = (String) -> Void

/* outer /* func nested() { */
func commented() {}
*/

func helper<T>(_ value: T, block: (T) -> Void = { _ in }) {
    func inner() {}
    block(value)
    Shape<Int>.build(["x"]).scale(by: 2)
}

#if DEBUG
func debug() { helper(1) { print($0) } }
#endif
