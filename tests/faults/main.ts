// `npm run faults` is the exactly-once run; `-- --year` and so on are the others, each with options
// of its own.
const [kind, ...options] = process.argv.slice(2)
switch (kind) {
  case '--year':
    process.argv.splice(2, Infinity, ...options)
    await import('./year.ts')
    break
  case '--mutants':
    process.argv.splice(2, Infinity, ...options)
    await import('./mutants.ts')
    break
  default:
    await import('./exactly-once.ts')
}
