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

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused by policy or safety,
130 interrupted.`,
		Example: `  bootward site init --code CEN --dir /var/lib/bootward/site
  bootward apply -f examples/ward --dry-run
  bootward status jobs --watch`,
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
	root.AddCommand(
		group("site", "The central site: init, serve, backup, restore, audit", taskSite,
			newSiteInit(a), newSiteServe(a), newSiteBackup(a), newSiteRestore(a), newSiteAudit(a)),
		group("box", "Boxes: list, show, token, ready, resume, delete", taskSite, append(verbs(a, osd.KindBox), newBoxToken(a), newBoxReady(a), newBoxResume(a))...),
		group("person", "Persons who sign in: list, show, token, certificate, revoke, delete", taskSite, append(verbs(a, osd.KindPerson), newPersonToken(a), newPersonCertificate(a), newPersonRevoke(a))...),
		group("settings", "Settings of the site: list, show, delete", taskSite, verbs(a, osd.KindSettings)...),
		newApply(a),
		group("computer", "Computers: import, list, show, clear-pxe, delete", taskObjects, append(verbs(a, osd.KindComputer), newComputerImport(a), newClearPXE(a))...),
		group("association", "Computer associations: list, show, delete", taskObjects, verbs(a, osd.KindAssociation)...),
		group("collection", "Collections: list, show, members, delete", taskObjects, append(verbs(a, osd.KindCollection), newMembers(a))...),
		group("sequence", "Task sequences: list, show, delete", taskObjects, verbs(a, osd.KindTaskSequence)...),
		deployment(group("advertisement", "Advertisements: list, show, explain, grant, delete", taskObjects, append(verbs(a, osd.KindAdvertisement), newExplain(a), newGrant(a))...)),
		group("image", "Operating system images: import, list, show, delete", taskContent, append(verbs(a, osd.KindImage), newImport(a, osd.KindImage))...),
		group("bootimage", "Boot images: build, import, list, show, delete", taskContent, append(verbs(a, osd.KindBootImage), newImport(a, osd.KindBootImage), newBootImageBuild(a))...),
		group("package", "Packages: import, list, show, delete", taskContent, append(verbs(a, osd.KindPackage), newImport(a, osd.KindPackage))...),
		group("status", "Status: report, messages, timeline, jobs", taskWatch,
			newStatusReport(a), newStatusMessages(a), newStatusTimeline(a), newStatusJobs(a)),
		group("firmware", "Firmware of boxes: build", taskBuild, newFirmwareBuild(a)),
		group("lab", "A whole site, box and targets in emulation: run, matrix, attach", taskBuild, newLabRun(a), newLabMatrix(a), newLabAttach(a)),
		newVersion(a),
	)
	return root
}

// deployment is the newer name of an advertisement.
func deployment(c *cobra.Command) *cobra.Command {
	c.Aliases = []string{"deployment"}
	return c
}
