import { posix } from 'node:path'
import { importsOf, type SourceFile } from './source-files.ts'

/** Files by what they import of the same tree, types included. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

export const isProduct = (path: string): boolean =>
  (path.startsWith('libs/') || path.startsWith('services/')) && !path.endsWith('.test.ts')

export const createImportGraph = (sources: readonly SourceFile[]): ImportGraph => {
  const paths = new Set(sources.map(({ path }) => path))
  return new Map(
    sources.map(({ path, text }) => [
      path,
      importsOf(text)
        .map(({ specifier }) =>
          specifier.startsWith('#libs/') ? specifier.slice(1) : posix.join(posix.dirname(path), specifier),
        )
        .filter((target) => paths.has(target)),
    ]),
  )
}

/**
 * Groups of files that import each other, directly or over others (Tarjan's strongly connected
 * components).
 */
export const findCircles = (graph: ImportGraph): readonly (readonly string[])[] => {
  const places = new Map<string, { readonly index: number; low: number }>()
  const stack: string[] = []
  const circles: string[][] = []
  const visit = (file: string): number => {
    const place = { index: places.size, low: places.size }
    places.set(file, place)
    stack.push(file)
    for (const target of graph.get(file) ?? []) {
      if (!places.has(target)) place.low = Math.min(place.low, visit(target))
      else if (stack.includes(target)) place.low = Math.min(place.low, places.get(target)!.index)
    }
    if (place.low === place.index) {
      const circle = stack.splice(stack.indexOf(file))
      if (circle.length > 1) circles.push(circle.sort())
    }
    return place.low
  }
  for (const file of graph.keys()) if (!places.has(file)) visit(file)
  return circles
}

/**
 * Product files that no product file imports, but tests do. A program that is started is imported
 * by nobody.
 */
export const findTestOnlyFiles = (graph: ImportGraph): readonly string[] => {
  const importersOf = new Map<string, string[]>()
  for (const [file, targets] of graph)
    for (const target of targets) importersOf.set(target, [...(importersOf.get(target) ?? []), file])
  return [...graph.keys()].filter((file) => {
    const importers = importersOf.get(file) ?? []
    return isProduct(file) && importers.length > 0 && !importers.some(isProduct)
  })
}

/** Folders with the number of product files that each holds. */
export const countByFolder = (graph: ImportGraph): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const file of graph.keys())
    if (isProduct(file)) counts.set(posix.dirname(file), (counts.get(posix.dirname(file)) ?? 0) + 1)
  return counts
}

/**
 * Imports against the order of rooms: a room may import those behind it in the list, and what
 * stands beside the list.
 */
export const findUpwardImports = (graph: ImportGraph, home: string, rooms: readonly string[]): readonly string[] => {
  const roomOf = (file: string): number => {
    const [room] = file.slice(home.length + 1).split('/')
    return file.startsWith(`${home}/`) && file.slice(home.length + 1).includes('/') ? rooms.indexOf(room!) : -2
  }
  return [...graph]
    .filter(([file]) => isProduct(file))
    .flatMap(([file, targets]) => {
      const from = roomOf(file)
      if (from === -1) return [`${file}: no place in the order of rooms of ${home}`]
      return from < 0
        ? []
        : targets.filter((to) => roomOf(to) >= 0 && roomOf(to) < from).map((to) => `${file} -> ${to}`)
    })
}
