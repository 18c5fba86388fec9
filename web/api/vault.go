package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// rotateFor is how long one request works on a rotation: the next one goes on.
const rotateFor = 5 * time.Second

type credentialList struct {
	Paging
	Owner string `query:"owner" maxLength:"200" doc:"Only of this account (account:ID), subscription, …"`
}

type vaultRotate struct {
	Write
	Body struct{}
}

func (vaultRotate) resource() string { return "vault" }

func (s *Server) vaultRoutes() {
	const tag = "vault"
	read(s, route{path: "/vault", id: "show-vault", title: "What the vault holds, never a value", tag: tag, scope: access.Admin}, func(tx *db.Tx, _ *struct{}) (vault.Status, error) {
		return s.Vault.Status(tx)
	})
	read(s, route{path: "/vault/credentials", id: "list-credentials", title: "Credentials: age, expiry, last use, never a value", tag: tag, scope: access.Admin}, func(tx *db.Tx, in *credentialList) (Page[vault.Credential], error) {
		after, err := credentialCursor(in.After)
		if err != nil {
			return Page[vault.Credential]{}, err
		}
		all, err := vault.List(tx, in.Owner, after, in.Limit+1)
		return page(all, in.Limit, func(c vault.Credential) string {
			return strings.Join([]string{c.Owner, c.Name, strconv.FormatInt(c.Generation, 10)}, "\x1f")
		}), err
	})
	write(s, route{
		path: "/vault/rotate", id: "rotate-vault", title: "Replace the key-encryption key and every key under it, while serving", tag: tag, scope: access.Admin, status: http.StatusAccepted, outside: true,
		text: "Begins, or goes on with, a rotation, works on it for a few seconds, and answers how far it has come; the rest is done in the background. From the first step on the old key opens nothing in this database. Backups from before need it still.",
	}, func(ctx context.Context, c *call, _ *vaultRotate) error {
		r, err := s.Vault.RotateKeys(ctx, c.actor, func(tx *db.Tx, r vault.Rotation) error {
			return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "vault.rotate", SubjectKind: "vault", Subject: r.ID, RequestID: c.request, Detail: map[string]string{"from": r.From, "to": r.To}})
		})
		if err != nil {
			return err
		}
		_, err = s.Vault.Advance(ctx, rotateFor)
		c.about(r.ID)
		return err
	}, func(tx *db.Tx, _ string) (vault.Rotation, error) { return vault.Running(tx) })
}

func credentialCursor(text string) (vault.Credential, error) {
	if text == "" {
		return vault.Credential{}, nil
	}
	parts := strings.Split(text, "\x1f")
	if len(parts) == 3 {
		if n, err := strconv.ParseInt(parts[2], 10, 64); err == nil {
			return vault.Credential{Owner: parts[0], Name: parts[1], Generation: n}, nil
		}
	}
	return vault.Credential{}, fault.Field("after", "is no cursor of this list")
}
