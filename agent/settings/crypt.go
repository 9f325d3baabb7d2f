package settings

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"strings"
)

// cryptRounds is how often a password is hashed. crypt(5) has 5000 by default, which is little
// today; this many take a target a tenth of a second, and each attempt of an attacker too.
const cryptRounds = 200_000

// crypt64 are the digits of crypt(5).
const crypt64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// hashPassword makes what /etc/shadow holds of a password: method sha512crypt of crypt(5), which
// each libc of the last fifteen years takes, with a salt of its own.
func hashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	for i, b := range salt {
		salt[i] = crypt64[b&63]
	}
	return sha512crypt([]byte(password), salt, cryptRounds)
}

// sha512crypt follows "Unix crypt using SHA-256 and SHA-512" (U. Drepper, version 0.6), steps 1 to 22.
func sha512crypt(password, salt []byte, rounds int) string {
	b := sha512.Sum512(bytes.Join([][]byte{password, salt, password}, nil))
	a := sha512.New()
	a.Write(password)
	a.Write(salt)
	a.Write(stretch(b[:], len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			a.Write(b[:])
		} else {
			a.Write(password)
		}
	}
	sum := a.Sum(nil)
	dp := sha512.Sum512(bytes.Repeat(password, len(password)))
	ds := sha512.Sum512(bytes.Repeat(salt, 16+int(sum[0])))
	p, s := stretch(dp[:], len(password)), stretch(ds[:], len(salt))
	for i := range rounds {
		sum = cryptRound(sum, p, s, i)
	}
	return fmt.Sprintf("$6$rounds=%d$%s$%s", rounds, salt, encode64(sum))
}

// cryptRound is step 21.
func cryptRound(sum, p, s []byte, i int) []byte {
	c := sha512.New()
	first, last := sum, p
	if i%2 == 1 {
		first, last = p, sum
	}
	c.Write(first)
	if i%3 != 0 {
		c.Write(s)
	}
	if i%7 != 0 {
		c.Write(p)
	}
	c.Write(last)
	return c.Sum(nil)
}

// stretch repeats a digest to n bytes.
func stretch(digest []byte, n int) []byte {
	return bytes.Repeat(digest, n/len(digest)+1)[:n]
}

// encode64 is step 22: three bytes a time, 21 apart, as four digits, the lowest first.
func encode64(sum []byte) string {
	var out strings.Builder
	digits := func(v uint32, n int) {
		for range n {
			out.WriteByte(crypt64[v&63])
			v >>= 6
		}
	}
	for i := range 21 {
		x, y, z := i, i+21, i+42
		switch i % 3 {
		case 1:
			x, y, z = y, z, x
		case 2:
			x, y, z = z, x, y
		}
		digits(uint32(sum[x])<<16|uint32(sum[y])<<8|uint32(sum[z]), 4)
	}
	digits(uint32(sum[63]), 2)
	return out.String()
}
