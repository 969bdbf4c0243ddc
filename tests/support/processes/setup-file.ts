import { poisonReleasedBytes } from '#libs/bytes/release-bytes.ts'

// Runs before each test file, in its process: whoever reads a record after its release fails.
poisonReleasedBytes()
