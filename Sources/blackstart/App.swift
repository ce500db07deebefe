internal import Glibc
internal import Support

@main
enum App {
  static func main() async {
    let code = await Tool(console: Console()).run(Array(CommandLine.arguments.dropFirst()))
    exit(code.rawValue)
  }
}
