// Package recent remembers a bounded number of things of which anybody on a network
// can make up more, and forgets first what was noted longest ago: a flood of made-up
// clients takes the memory of those that have gone quiet, not of all at once.
package recent

import (
	"container/list"
	"iter"
)

// Map is a map that Put keeps within a bound. The zero value is ready. It has no lock.
type Map[K comparable, V any] struct {
	at    map[K]*list.Element
	order list.List // of *entry[K, V], the one noted longest ago in front
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// Put notes a value under a key, now, and forgets what was noted longest ago while
// there are more than most.
func (m *Map[K, V]) Put(key K, value V, most int) {
	if e, known := m.at[key]; known {
		e.Value.(*entry[K, V]).value = value
		m.order.MoveToBack(e)
		return
	}
	if m.at == nil {
		m.at = map[K]*list.Element{}
	}
	m.at[key] = m.order.PushBack(&entry[K, V]{key, value})
	for len(m.at) > most {
		m.Delete(m.order.Front().Value.(*entry[K, V]).key)
	}
}

// Get is what was noted last under a key. It does not count as noting it again.
func (m *Map[K, V]) Get(key K) (value V, known bool) {
	e, known := m.at[key]
	if !known {
		return value, false
	}
	return e.Value.(*entry[K, V]).value, true
}

// Delete forgets a key.
func (m *Map[K, V]) Delete(key K) {
	if e, known := m.at[key]; known {
		m.order.Remove(e)
		delete(m.at, key)
	}
}

// Len is how many keys are remembered.
func (m *Map[K, V]) Len() int { return len(m.at) }

// All are the keys and values, the one noted longest ago first. The map must not be
// changed meanwhile.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for e := m.order.Front(); e != nil; e = e.Next() {
			if x := e.Value.(*entry[K, V]); !yield(x.key, x.value) {
				return
			}
		}
	}
}
