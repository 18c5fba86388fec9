// Command gen writes the tables of package money, iso4217.go and cldr.go, from the published data. Run it with go generate; it needs
// npm, which fetches the pinned packages, and unpacks them into a directory that it removes again.
//
// Sources: ISO 4217 list one as its maintenance agency publishes it (in currency-codes, MIT), and Unicode CLDR (in cldr-core and
// cldr-numbers-full, Unicode-3.0). Raise the versions below, run it again, and read the difference.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"go/format"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	isoPackage  = "currency-codes@2.2.0"
	cldrVersion = "48.2.0"
)

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "money-gen-")
	if err != nil {
		log.Fatal(err)
	}
	err = run(dir)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	packages := []string{isoPackage, "cldr-core@" + cldrVersion, "cldr-numbers-full@" + cldrVersion}
	for _, name := range packages {
		if err := fetch(name, dir); err != nil {
			return fmt.Errorf("fetch %s: %w", name, err)
		}
	}
	units, source, err := readISO(filepath.Join(dir, "currency-codes"))
	if err != nil {
		return err
	}
	if err := write("iso4217.go", source); err != nil {
		return err
	}
	source, err = readCLDR(dir, units)
	if err != nil {
		return err
	}
	return write("cldr.go", source)
}

// fetch unpacks an npm package into a directory named after it.
func fetch(name, dir string) error {
	pack := exec.Command("npm", "pack", "--silent", name)
	pack.Dir, pack.Stderr = dir, os.Stderr
	out, err := pack.Output()
	if err != nil {
		return err
	}
	archive, err := os.Open(filepath.Join(dir, strings.TrimSpace(string(out))))
	if err != nil {
		return err
	}
	defer archive.Close()
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	short, _, _ := strings.Cut(name, "@")
	return unpack(tar.NewReader(unzipped), filepath.Join(dir, short))
}

func unpack(files *tar.Reader, dir string) error {
	for {
		header, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		path, ok := strings.CutPrefix(header.Name, "package/")
		if !ok || header.Typeflag != tar.TypeReg || !filepath.IsLocal(path) {
			continue
		}
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		data, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
}

func write(name string, source *bytes.Buffer) error {
	formatted, err := format.Source(source.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, formatted, 0o644)
}
