package backup

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// Lock is who may open a backup: holders of age keys, or whoever knows a passphrase.
type Lock struct {
	recipients []age.Recipient
	own        age.Identity // opens what was just locked, to look whether it is whole; it is kept nowhere
}

// LockTo locks for the holders of age keys ("age1…"). Whoever makes the backup cannot open it later. Fault: Invalid for what is no such key.
func LockTo(recipients []string) (Lock, error) {
	all, err := age.ParseRecipients(strings.NewReader(strings.Join(recipients, "\n")))
	if err != nil || len(all) == 0 {
		return Lock{}, fault.Field("recipient", "is no age key: they begin with age1 (make one with age-keygen)")
	}
	if _, hybrid := all[0].(*age.HybridRecipient); hybrid { // age mixes them with no others
		own, err := age.GenerateHybridIdentity()
		if err != nil {
			return Lock{}, err
		}
		return Lock{append(all, own.Recipient()), own}, nil
	}
	own, err := age.GenerateX25519Identity()
	if err != nil {
		return Lock{}, err
	}
	return Lock{append(all, own.Recipient()), own}, nil
}

// minPassphrase is the least length of a passphrase: who has the file may try as often as they like.
const minPassphrase = 12

// LockWith locks with a passphrase of at least twelve characters.
func LockWith(passphrase string) (Lock, error) {
	if len([]rune(passphrase)) < minPassphrase {
		return Lock{}, fault.Field("passphrase", "is shorter than %d characters", minPassphrase)
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return Lock{}, fault.Field("passphrase", "cannot be used")
	}
	own, err := OpenWith(passphrase)
	return Lock{[]age.Recipient{to}, own[0]}, err
}

// OpenWith opens what a passphrase locked.
func OpenWith(passphrase string) ([]age.Identity, error) {
	own, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return []age.Identity{nil}, fault.Field("passphrase", "cannot be used")
	}
	own.SetMaxWorkFactor(22)
	return []age.Identity{own}, nil
}

// OpenFor opens what was locked to the holder of an age key file, as age-keygen makes it.
func OpenFor(keyFile io.Reader) ([]age.Identity, error) {
	all, err := age.ParseIdentities(io.LimitReader(keyFile, 1<<20))
	if err != nil || len(all) == 0 {
		return nil, fault.Field("identity", "is no file of age keys: they begin with AGE-SECRET-KEY-")
	}
	return all, nil
}

// sealed is a file that is being written, under a name of its own until keep.
type sealed struct {
	path string
	file *os.File
	age  io.WriteCloser
	zstd *zstd.Encoder
	*writer
}

const partial = ".partial"

// create begins a file; what an earlier attempt left of it is overwritten.
func create(path string, h Header, to Lock) (*sealed, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fault.New(fault.Conflict, "there is a file %s already", path)
	}
	file, err := os.OpenFile(path+partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the backup file "+path+" cannot be made")
	}
	s := &sealed{path: path, file: file}
	if err := s.begin(h, to); err != nil {
		return nil, errors.Join(err, s.abandon())
	}
	return s, nil
}

func (s *sealed) begin(h Header, to Lock) error {
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := s.file.WriteString(magic + string(line) + "\n"); err != nil {
		return err
	}
	if s.age, err = age.Encrypt(s.file, to.recipients...); err != nil {
		return fault.Wrap(fault.Internal, err, "the backup cannot be encrypted")
	}
	if s.zstd, err = zstd.NewWriter(s.age, zstd.WithEncoderConcurrency(1)); err != nil {
		return err
	}
	s.writer = newWriter(s.zstd)
	return s.header(h)
}

// finish writes the end and waits for the disk. The file still has its name of before.
func (s *sealed) finish() (size int64, err error) {
	if err := errors.Join(s.end(), s.zstd.Close(), s.age.Close()); err != nil {
		return 0, err
	}
	info, err := s.file.Stat()
	if err = errors.Join(err, s.file.Sync(), s.file.Close()); err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// keep gives the file its name.
func (s *sealed) keep() error {
	if _, err := os.Lstat(s.path); err == nil {
		return fault.New(fault.Conflict, "there is a file %s already", s.path)
	}
	if err := os.Rename(s.path+partial, s.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every system can
	return dir.Close()
}

// abandon throws away what was written; after keep it does nothing.
func (s *sealed) abandon() error {
	_ = s.file.Close()
	if err := os.Remove(s.path + partial); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// Show reads what a file says of itself in clear. Fault: Invalid for what is no backup.
func Show(path string) (Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return Header{}, fault.Wrap(fault.NotFound, err, "the file "+path+" cannot be opened")
	}
	defer func() { _ = f.Close() }()
	h, _, err := preamble(bufio.NewReaderSize(f, maxLine))
	return h, err
}

// preamble reads the first line.
func preamble(r *bufio.Reader) (h Header, line []byte, err error) {
	line, err = r.ReadSlice('\n')
	text, ours := bytes.CutPrefix(line, []byte(magic))
	if err != nil || !ours || json.Unmarshal(text, &h) != nil {
		return Header{}, nil, fault.New(fault.Invalid, "this is no backup of openclaw-commerce")
	}
	if h.Format != format {
		return h, nil, fault.New(fault.Invalid, "the backup has the format %d, this program reads %d", h.Format, format)
	}
	return h, bytes.Clone(bytes.TrimSpace(text)), nil
}

// opened is a file that is being read.
type opened struct {
	Header
	*reader
	zstd *zstd.Decoder
	file *os.File
}

// open opens a file of a kind with somebody's keys. Faults: Invalid for what is no such file, or damaged; Refused for the wrong key.
func open(path, kind string, who []age.Identity) (*opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "the file "+path+" cannot be opened")
	}
	o, err := openFrom(bufio.NewReaderSize(f, 1<<16), kind, who)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o.file = f
	return o, nil
}

func openFrom(r *bufio.Reader, kind string, who []age.Identity) (*opened, error) {
	h, line, err := preamble(r)
	if err != nil {
		return nil, err
	}
	if h.Kind != kind {
		return nil, fault.New(fault.Invalid, "the file holds %s, not %s", h.Kind, kind)
	}
	plain, err := age.Decrypt(r, who...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, fault.New(fault.Refused, "the backup cannot be opened with this key or passphrase")
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the backup is damaged: it cannot be decrypted")
	}
	unpacked, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the backup is damaged: it cannot be unpacked")
	}
	o := &opened{Header: h, reader: newReader(said{unpacked}), zstd: unpacked}
	inside, err := o.header()
	if err != nil {
		return nil, err
	}
	if again, err := json.Marshal(inside); err != nil || !bytes.Equal(again, line) {
		return nil, damaged("its first line was changed")
	}
	return o, nil
}

// said gives what decrypting and unpacking find wrong its kind.
type said struct{ from io.Reader }

// Read implements io.Reader.
func (s said) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fault.Wrap(fault.Invalid, err, "the backup is damaged: it cannot be read to its end")
	}
	return n, err
}

func (o *opened) close() error {
	o.zstd.Close()
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}
