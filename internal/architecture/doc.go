// Package architecture holds the import graph against the tables of
// directions that docs/architecture.md draws. It has no code of its own: the
// test is the point.
package architecture
