// ChildPrograms: programs that run as our children.
//
// Purpose: one way to start a program with just the descriptors, the environment and the process group that it is to
// have, and one way to hear how it ended. Who may be run, and as whom, is decided above.
// May import: Bytes, CLinux.
// Read in this order: ChildStart.swift, ChildEnd.swift, ChildPipe.swift, SiblingProgram.swift.
