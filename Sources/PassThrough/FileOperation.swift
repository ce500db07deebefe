/// What a program asks of a file system, by the names of the system calls.
public enum FileOperation: String, Sendable, Hashable, Codable, CaseIterable {
  /// Bytes come from a file; what the page cache answers never gets here.
  case read
  /// Bytes go to a file, also those of a mapping.
  case write
  /// Bytes go to a file behind its end, which so becomes longer; it is a ``write`` too.
  case extend
  /// Data and attributes are made durable.
  case fsync
  /// Data are made durable.
  case fdatasync
  /// An existing file or directory is opened.
  case open
  /// A file is made and opened, or a special file is made.
  case create
  /// A name is looked up.
  case lookup
  /// Attributes are read.
  case getattr
  /// Mode, owner or times are changed.
  case setattr
  /// A file's length is changed.
  case truncate
  /// Room is reserved.
  case fallocate
  /// A name is changed, or replaces another.
  case rename
  /// A name is removed.
  case unlink
  /// A hard link is made.
  case link
  /// A symbolic link is made.
  case symlink
  /// A directory is made.
  case mkdir
  /// A directory is removed.
  case rmdir
  /// A directory is listed.
  case readdir
  /// Free space is asked for.
  case statfs
  /// Extended attributes are read.
  case getxattr
  /// Extended attributes are changed.
  case setxattr

  /// Those that need new room on the disk, which a full one refuses. What is written over old bytes needs none.
  public static let needRoom: Set<FileOperation> = [.extend, .create, .fallocate, .link, .symlink, .mkdir, .setxattr]
}
