// Package systemtest boots whole machines: one ward from nothing, with the
// faults that it must survive. Its tests have the build tag `system` and are
// run by `make system`, which provides what they need (docs/testing.md).
package systemtest
