import { createRecordSigner } from '#libs/access/record-signer.ts'

/** Of the test platform, and of processes that a test starts with it. */
export const TEST_ENCRYPTION_KEY = Buffer.alloc(32, 7)

/** Signs records as ingest and scoring do. */
export const testSigner = createRecordSigner(TEST_ENCRYPTION_KEY)
