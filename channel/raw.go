package channel

import (
	"encoding/binary"
	"encoding/json"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// packed marks the form in which a Raw is stored: length and bytes of each part. The documents stand in it as they came, so that they compress as well as they did by
// themselves; base64 in JSON, the form before it, took twice the room. No JSON begins with this byte.
const packed = 0x01

// Pack writes a Raw in the form that is stored. Equal ones give equal bytes.
func (r Raw) Pack() []byte {
	size := 16 + len(r.Shape)
	for _, d := range r.Docs {
		size += 2*binary.MaxVarintLen32 + len(d.Name) + len(d.Body)
	}
	b := append(make([]byte, 0, size), packed)
	b = appendPart(b, r.Shape)
	b = binary.AppendUvarint(b, uint64(len(r.Docs)))
	for _, d := range r.Docs {
		b = appendPart(b, d.Name)
		b = appendPart(b, d.Body)
	}
	return b
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

// Unpack reads what Pack wrote, or the JSON form of older rows. The documents share memory with b. Fault: Invalid.
func Unpack(b []byte) (Raw, error) {
	var r Raw
	if len(b) == 0 || b[0] != packed {
		if err := json.Unmarshal(b, &r); err != nil {
			return Raw{}, fault.Wrap(fault.Invalid, err, "the stored payload cannot be read")
		}
		return r, nil
	}
	in := unpacker{rest: b[1:]}
	r.Shape = string(in.part())
	for n := in.number(); n > 0 && !in.bad; n-- {
		r.Docs = append(r.Docs, Doc{Name: string(in.part()), Body: in.part()})
	}
	if in.bad || len(in.rest) > 0 {
		return Raw{}, fault.New(fault.Invalid, "the stored payload cannot be read: its parts do not fill it")
	}
	return r, nil
}

// unpacker reads parts from the front. After a fault all that follows is empty.
type unpacker struct {
	rest []byte
	bad  bool
}

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.rest)
	if size <= 0 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[size:]
	return n
}

func (u *unpacker) part() []byte {
	n := u.number()
	if n > uint64(len(u.rest)) {
		u.bad, u.rest = true, nil
		return nil
	}
	part := u.rest[:n:n]
	u.rest = u.rest[n:]
	return part
}
