package access

import (
	"crypto/rand"
	"hash/crc32"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// A key reads occ_<prefix>_<secret><check>: a prefix by which it is found and recognised in lists, 43 characters that are worth 256
// bits, and a checksum, so that a key that was cut or mistyped is told from one that is not ours, and scanners recognise leaked ones.
const (
	brand      = "occ"
	alphabet   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	prefixLen  = 8
	secretLen  = 43 // 62^43 > 2^256
	checkLen   = 6  // 62^6 > 2^32
	tokenLen   = len(brand) + 1 + prefixLen + 1 + secretLen + checkLen
	perByte    = 256 / len(alphabet) * len(alphabet) // larger random bytes are thrown away, so that all characters are equally likely
	prefixFrom = len(brand) + 1
	secretFrom = prefixFrom + prefixLen + 1
)

func newToken() (plain, prefix string) {
	prefix = random(prefixLen)
	body := brand + "_" + prefix + "_" + random(secretLen)
	return body + checksum(body), prefix
}

func random(n int) string {
	out := make([]byte, 0, n)
	var buf [64]byte
	for len(out) < n {
		_, _ = rand.Read(buf[:]) // never fails since Go 1.24
		for _, b := range buf {
			if int(b) < perByte && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	out := make([]byte, checkLen)
	for i := range out {
		out[checkLen-1-i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(out)
}

// parseToken reads a key's form and returns its prefix. Fault: Unauthorized for what is no key; the text is never quoted.
func parseToken(plain string) (prefix string, err error) {
	if len(plain) != tokenLen || !strings.HasPrefix(plain, brand+"_") || plain[secretFrom-1] != '_' {
		return "", fault.New(fault.Unauthorized, "this is not an API key").WithCode("malformed")
	}
	body, check := plain[:tokenLen-checkLen], plain[tokenLen-checkLen:]
	if checksum(body) != check {
		return "", fault.New(fault.Unauthorized, "this API key is mistyped or cut off").WithCode("malformed")
	}
	return plain[prefixFrom : prefixFrom+prefixLen], nil
}
