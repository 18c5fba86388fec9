package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Cost is what hashing a password costs whoever guesses.
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// defaultCost is above the least that OWASP names for argon2id (19 MiB, two passes), for machines of any size.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
var defaultCost = Cost{Memory: 64 << 10, Passes: 2, Threads: 1}

const (
	saltLen      = 16
	hashLen      = 32
	minPassword  = 12
	maxPassword  = 256
	maxMemory    = 1 << 20 // KiB a stored hash may ask for
	atOnce       = 2       // passwords hashed at a time
	passwordHint = "must have at least 12 characters; several words are easiest to remember"
)

// prepared is a password in the form that is hashed: the same characters typed on another keyboard give the same bytes.
func prepared(password string) []byte { return []byte(norm.NFKC.String(password)) }

// checkPassword refuses what is guessed at once. Fault: Invalid.
func checkPassword(password, email string) error {
	n := utf8.RuneCountInString(password)
	local, _, _ := strings.Cut(email, "@")
	low := strings.ToLower(password)
	distinct := map[rune]bool{}
	for _, r := range low {
		distinct[r] = true
	}
	switch {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return fault.Field("password", "is not text")
	case n < minPassword:
		return fault.Field("password", passwordHint)
	case n > maxPassword:
		return fault.Field("password", "is longer than %d characters", maxPassword)
	case len(distinct) < 5:
		return fault.Field("password", "repeats few characters: it is guessed at once")
	case len(local) > 3 && strings.Contains(low, strings.ToLower(local)):
		return fault.Field("password", "must not contain your e-mail address")
	}
	return nil
}

// hashPassword makes the text that is stored: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func (c Cost) hashPassword(password string) string {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	sum := argon2.IDKey(prepared(password), salt, c.Passes, c.Memory, c.Threads, hashLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Threads, b64(salt), b64(sum))
}

// parseHash reads a stored hash.
func parseHash(stored string) (c Cost, salt, sum []byte, ok bool) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); n != 3 || err != nil {
		return c, nil, nil, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return c, nil, nil, false
	}
	sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	ok = err == nil && len(salt) >= 8 && len(sum) == hashLen && c.Passes > 0 && c.Passes < 100 && c.Threads > 0 && c.Memory >= 8*uint32(c.Threads) && c.Memory <= maxMemory
	return c, salt, sum, ok
}

// matches reports whether a password is the one that was hashed, and whether its hash should be made again at the cost of today. Where
// there is no hash, it takes as long as if there were one.
func (c Cost) matches(stored, password string) (right, stale bool) {
	of, salt, sum, ok := parseHash(stored)
	if !ok {
		of, salt, sum = c, make([]byte, saltLen), make([]byte, hashLen)
	}
	got := argon2.IDKey(prepared(password), salt, of.Passes, of.Memory, of.Threads, hashLen)
	return subtle.ConstantTimeCompare(got, sum) == 1 && ok, of != c
}

// hashing waits for a turn, since a hash takes memory: many who guess at once wait for each other, and do not stop the shop.
func (u *Users) hashing(ctx context.Context, do func()) error {
	select {
	case u.turns <- struct{}{}:
		defer func() { <-u.turns }()
		do()
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, ctx.Err(), "too many people sign in at once")
	}
}
