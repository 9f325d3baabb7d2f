package query

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// token is a word, a literal or a sign of a query.
type token struct {
	kind tokenKind
	text string // of a word and a sign in lower case, of a string its value
	raw  string // as written
	at   int    // offset in bytes
}

type tokenKind int

const (
	end tokenKind = iota
	word
	number
	text
	sign
)

// Error is what is wrong with a query, and where.
type Error struct {
	Line, Column int // from 1
	What, Remedy string
}

func (e *Error) Error() string {
	return fmt.Sprintf("query, line %d, column %d: %s; %s", e.Line, e.Column, e.What, e.Remedy)
}

func errorAt(query string, at int, what, remedy string) *Error {
	before := query[:at]
	return &Error{1 + strings.Count(before, "\n"), at - strings.LastIndexByte(before, '\n'), what, remedy}
}

// maxText is the longest query, in bytes.
const maxText = 16 << 10

func lex(query string) ([]token, error) {
	if len(query) > maxText {
		return nil, errorAt(query, 0, fmt.Sprintf("it has %d bytes", len(query)), fmt.Sprintf("give at most %d", maxText))
	}
	var all []token
	for i := 0; i < len(query); {
		c := query[i]
		start := i
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
			continue
		case isLetter(c):
			for i < len(query) && (isLetter(query[i]) || isDigit(query[i])) {
				i++
			}
			all = append(all, token{word, strings.ToLower(query[start:i]), query[start:i], start})
		case isDigit(c) || c == '-' && i+1 < len(query) && isDigit(query[i+1]):
			for i++; i < len(query) && (isDigit(query[i]) || query[i] == '.'); {
				i++
			}
			all = append(all, token{number, query[start:i], query[start:i], start})
		case c == '\'' || c == '"':
			value, next, ok := quoted(query, i)
			if !ok {
				return nil, errorAt(query, start, "a text is not closed", "end it with "+string(c))
			}
			i = next
			all = append(all, token{text, value, query[start:i], start})
		default:
			n := signLength(query[i:])
			if n == 0 {
				return nil, errorAt(query, start, fmt.Sprintf("%q does not belong here", firstRune(query[start:])), "quote texts, and write = <> < <= > >= LIKE")
			}
			i += n
			all = append(all, token{sign, query[start:i], query[start:i], start})
		}
	}
	return append(all, token{kind: end, at: len(query)}), nil
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func signLength(s string) int {
	for _, two := range []string{"<>", "!=", "<=", ">="} {
		if strings.HasPrefix(s, two) {
			return 2
		}
	}
	if strings.IndexByte("=<>(),.*", s[0]) >= 0 {
		return 1
	}
	return 0
}

// quoted reads a text: a doubled quote stands for one, a backslash for the
// quote or the backslash behind it.
func quoted(s string, i int) (value string, next int, ok bool) {
	quote := s[i]
	var b strings.Builder
	for i++; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`\'"`, s[i+1]) >= 0:
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return b.String(), i + 1, true
		}
		b.WriteByte(s[i])
	}
	return "", 0, false
}
