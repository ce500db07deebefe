internal import Support

extension Topology {
  static func read(_ value: Value) -> Topology? {
    value.fields { fields in
      switch fields.only(["lab", "inventory"], called: "where the drill takes place", missing: "lab") {
      case "lab": fields.required("lab", lab)
      case "inventory": fields.required("inventory", inventory)
      default: nil
      }
    }
  }

  private static func lab(_ value: Value) -> Topology? {
    value.fields { fields in
      fields.required("regions") { $0.dictionary(longest: 12, Region.read) }.map { Topology(ground: .lab, regions: $0) }
    }
  }

  private static func inventory(_ value: Value) -> Topology? {
    value.fields { fields in
      let controllers = fields.optional("controllers", or: []) { $0.list { $0.peerAddress() } }
      let hosts = fields.required("hosts") { $0.dictionary(longest: 32, Host.read) }
      guard let controllers else { return nil }
      return hosts.map { hosts in
        var regions: [Region] = []
        for host in hosts {
          if let index = regions.firstIndex(where: { $0.name == host.region }) {
            regions[index].roles += host.roles.filter { !regions[index].roles.contains($0) }
          } else {
            regions.append(Region(name: host.region, roles: host.roles))
          }
        }
        return Topology(
          ground: .inventory, regions: regions, hosts: hosts, controllers: controllers.isEmpty ? nil : controllers)
      }
    }
  }
}

extension Region {
  static func read(name: String, _ value: Value) -> Region? {
    value.fields { fields in
      let roles = fields.required("roles") { $0.list { $0.choice(Role.self, called: "a role") } }
      // Absent is not the same as wrong: that has been noted, and the scenario is refused for it.
      let clocks = fields.value("clocks").flatMap(ClockOffsets.read)
      return roles.map { Region(name: name, roles: $0, clocks: clocks) }
    }
  }
}

extension ClockOffsets {
  /// Reads offsets of clocks that count from a start.
  static func read(_ value: Value) -> ClockOffsets? {
    value.fields { fields in
      let monotonic = fields.optional("monotonic", or: Offset(nanoseconds: 0), Offset.read)
      let boottime = fields.optional("boottime", or: Offset(nanoseconds: 0), Offset.read)
      guard let monotonic, let boottime else { return nil }
      if monotonic.nanoseconds == 0, boottime.nanoseconds == 0 {
        fields.mistake("it moves no clock", fix: "add monotonic: 1h, or boottime: 1h; or leave it out")
        return nil
      }
      return ClockOffsets(monotonic: monotonic, boottime: boottime)
    }
  }
}

extension Host {
  static func read(name: String, _ value: Value) -> Host? {
    value.fields { fields in
      let region = fields.required("region") { $0.name(longest: 12) }
      let roles = fields.required("roles") { $0.list { $0.choice(Role.self, called: "a role") } }
      let addresses = fields.required("addresses") { $0.list { $0.address() } }
      let agent = fields.required("agent") { $0.list { $0.text(expected: "a word of a command") } }
      guard let region, let roles, let addresses, let agent else { return nil }
      return Host(name: name, region: region, roles: roles, addresses: addresses, agent: agent)
    }
  }
}
