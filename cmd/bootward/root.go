package main

import (
	"github.com/spf13/cobra"

	"github.com/bootward/bootward/osd"
)

// The tasks by which help groups the commands.
const (
	taskSite    = "site"
	taskObjects = "objects"
	taskContent = "content"
	taskWatch   = "watch"
	taskBuild   = "build"
	taskProgram = "program"
)

// newRoot builds the tree of commands: one file for each verb.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "bootward",
		Short: "Deploys operating systems from boxes that follow one central site",
		Long: `Deploys operating systems from boxes that follow one central site.

A site is made by "bootward site init" and runs by "bootward site serve". The
other commands speak to it, by the context file that "site init" wrote. Names
with spaces stand in quotes; where a name is wanted, an id (CEN00001) will do.

With --box some verbs go to a box itself, also while its line to the site is
cut: box show, trace, explain, selftest and resume, computer pending, approve, deny, retry
and clear-pxe, site audit, and the verbs of status but jobs. --as NAME signs in there with a PIN.

Verbs that destroy or revoke something show what they will do and ask; --yes
answers for you, as a script must.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by policy or safety,
130 interrupted.`,
		Example: `  bootward site init --code CEN --dir /var/lib/bootward/site
  bootward apply -f examples/ward --dry-run
  bootward status jobs --watch
  bootward --box 192.0.2.17 --as bob computer approve 482-913`,
		Version:                    version,
		SuggestionsMinimumDistance: 1,
		SilenceErrors:              true,
		SilenceUsage:               true,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(c, args[0])
			}
			return c.Help()
		},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.PersistentFlags().BoolVar(&a.json, "json", false, "write JSON, errors too")
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log more")
	root.PersistentFlags().StringVar(&a.contextFile, "context", "", "context file (default $BOOTWARD_CONTEXT, then ~/.config/bootward/context.yaml)")
	root.AddGroup(
		&cobra.Group{ID: taskSite, Title: "Set up and keep the site:"},
		&cobra.Group{ID: taskObjects, Title: "Say who gets what:"},
		&cobra.Group{ID: taskContent, Title: "Bring in content:"},
		&cobra.Group{ID: taskWatch, Title: "Watch deployments:"},
		&cobra.Group{ID: taskBuild, Title: "Build and try out:"},
		&cobra.Group{ID: taskProgram, Title: "This program:"},
	)
	root.SetHelpCommandGroupID(taskProgram)
	root.SetCompletionCommandGroupID(taskProgram)
	root.AddCommand(commands(a)...)
	remote(a, root)
	return root
}

// commands are the objects and their verbs, in the order of the help.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		group("site", "The central site: init, serve, backup, restore, audit", taskSite,
			newSiteInit(a), newSiteServe(a), newSiteBackup(a), newSiteRestore(a), newSiteAudit(a)),
		group("box", "Boxes: list, show, trace, explain, selftest, token, password, ready, resume, delete", taskSite, append(verbs(a, osd.KindBox),
			newBoxToken(a), newBoxPassword(a), newBoxReady(a), newBoxResume(a), newBoxTrace(a), newBoxExplain(a), newBoxSelfTest(a))...),
		group("person", "Persons who sign in: list, show, token, certificate, credentials, pin, revoke, delete", taskSite,
			append(verbs(a, osd.KindPerson), newPersonToken(a), newPersonCertificate(a), newPersonCredentials(a), newPersonPIN(a), newPersonRevoke(a))...),
		group("settings", "Settings of the site: list, show, delete", taskSite, verbs(a, osd.KindSettings)...),
		newApply(a),
		group("computer", "Computers: add, import, list, show, pending, approve, deny, merge, replace, wake, retry, clear-pxe, delete", taskObjects,
			append(verbs(a, osd.KindComputer), newComputerAdd(a), newComputerImport(a), newPending(a), newApprove(a), newDeny(a),
				newComputerMerge(a), newComputerReplace(a), newClearPXE(a), newComputerRetry(a), newWake(a))...),
		group("association", "Computer associations: create, list, show, delete", taskObjects, append(verbs(a, osd.KindAssociation), newAssociationCreate(a))...),
		group("collection", "Collections: list, show, members, delete", taskObjects, append(verbs(a, osd.KindCollection), newMembers(a))...),
		newSequence(a),
		group("secret", "Secrets: set, list, show, delete", taskObjects, append(verbs(a, osd.KindSecret), newSecretSet(a))...),
		deployment(group("advertisement", "Advertisements: list, show, explain, grant, delete", taskObjects, append(verbs(a, osd.KindAdvertisement), newExplain(a), newGrant(a))...)),
		group("image", "Operating system images: import, distribute, list, show, delete", taskContent, append(verbs(a, osd.KindImage), newImport(a, osd.KindImage), newDistribute(a, osd.KindImage))...),
		group("bootimage", "Boot images: build, import, distribute, list, show, delete", taskContent, append(verbs(a, osd.KindBootImage), newImport(a, osd.KindBootImage), newBootImageBuild(a), newDistribute(a, osd.KindBootImage))...),
		group("package", "Packages: import, distribute, list, show, delete", taskContent, append(verbs(a, osd.KindPackage), newImport(a, osd.KindPackage), newDistribute(a, osd.KindPackage))...),
		group("content", "Content at boxes: status", taskContent, newContentStatus(a)),
		group("status", "Status: homepage, advertisement, report, unprovisioned, messages, log, timeline, jobs", taskWatch,
			newStatusHomepage(a), newStatusAdvertisement(a), newStatusUnprovisioned(a), newStatusReport(a), newStatusMessages(a), newStatusLog(a), newStatusTimeline(a), newStatusJobs(a)),
		group("firmware", "Firmware of boxes: build", taskBuild, newFirmwareBuild(a)),
		group("lab", "A whole site, box and targets in emulation: run, matrix, attach", taskBuild, newLabRun(a), newLabMatrix(a), newLabAttach(a)),
		newVersion(a),
	}
}

// deployment is the newer name of an advertisement.
func deployment(c *cobra.Command) *cobra.Command {
	c.Aliases = []string{"deployment"}
	return c
}
