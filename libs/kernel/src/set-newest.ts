/** Sets an entry of a bounded map and makes it the newest. Of more than `max` entries the oldest is forgotten: a `Map` keeps them in the order in which they were set. */
export function setNewest<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
