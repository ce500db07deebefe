internal import Glibc
internal import Support

@main
enum App {
  static func main() async {
    // A reader that went away (`blackstart run … | head`) must not end a drill before it has cleaned up.
    signal(SIGPIPE, SIG_IGN)
    let code = await Tool(console: Console()).run(Array(CommandLine.arguments.dropFirst()))
    exit(code.rawValue)
  }
}
